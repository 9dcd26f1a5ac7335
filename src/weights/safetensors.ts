import type { WeightTensor } from './torch-names.js';

/** A safetensors file (https://github.com/huggingface/safetensors): the header's length, the header in JSON, values. */
export function safetensors(tensors: WeightTensor[], metadata: Record<string, string>): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  const sorted = tensors.toSorted((a, b) => b.values.BYTES_PER_ELEMENT - a.values.BYTES_PER_ELEMENT); // keeps all aligned
  for (const { name, shape, values } of sorted) {
    const end = offset + values.byteLength;
    header[name] = { dtype: values instanceof Float32Array ? 'F32' : 'I64', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const text = Buffer.concat([json, Buffer.alloc(-json.length & 7, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...sorted.map(({ values }) => bytesOf(values))]);
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
