import { backend, type DataId, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

type Code =
  | 'TF_FLOAT'
  | 'TF_INT32'
  | 'TF_ATTR_TYPE'
  | 'TF_ATTR_FLOAT'
  | 'TF_ATTR_STRING'
  | 'TF_ATTR_BOOL'
  | 'TF_ATTR_INT';

/** The part of tfjs-node's backend that runs any TensorFlow op (tfjs-node 4.22, src/nodejs_kernel_backend.ts). */
export interface TensorFlowBackend {
  isUsingGpuDevice: boolean;
  binding: Binding;
  tensorMap: { get(dataId: DataId): Data };
  /** Uploads the tensors that have not been uploaded yet. */
  getInputTensorIds(tensors: TensorInfo[]): number[];
  createOutputTensor(output: { id: number }): Tensor;
}

/** TensorFlow itself, which identifies tensors by numbers. */
export interface Binding extends Record<Code, number> {
  TF_Version: string;
  createTensor(shape: number[], dtype: number, values: Values): number;
  deleteTensor(id: number): void;
  /** Outputs also have a `shape` and a `dtype`. */
  executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): { id: number }[];
}

type Values = Float32Array | Int32Array;

/** What a tensor is made from. */
export interface TensorData {
  shape: number[];
  dtype: number;
  values: Values;
}

/** Shared by a tensor and its clones. */
interface Data {
  id: number;
  dtype: number;
  refCount: number;
}

export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** What an op takes besides tensors: a vector of whole numbers, such as a shape, or a float32 scalar. */
type Constant = readonly number[] | number;

/**
 * Runs one TensorFlow op (https://www.tensorflow.org/api_docs/python/tf/raw_ops). Constants are passed to TensorFlow
 * once per process and stay there, so a value that changes from step to step must be a tensor.
 */
export function execute(name: string, attributes: Attribute[], inputs: (Tensor | Constant)[], outputs = 1): Tensor[] {
  const tensorflow = tensorFlow();
  const ids = inputs.map((input) => (isConstant(input) ? constant(input) : tensorflow.getInputTensorIds([input])[0]!));
  return tensorflow.binding.executeOp(name, attributes, ids, outputs).map((o) => tensorflow.createOutputTensor(o));
}

function isConstant(input: Tensor | Constant): input is Constant {
  return typeof input === 'number' || Array.isArray(input);
}

const constants = new Map<string, number>();
const constantTypes = new Map<number, number>();

function constant(value: Constant): number {
  const key = JSON.stringify(value);
  const known = constants.get(key);
  if (known !== undefined) return known;
  const { binding } = tensorFlow();
  const [shape, type, values] =
    typeof value === 'number'
      ? [[], binding.TF_FLOAT, Float32Array.of(value)]
      : [[value.length], binding.TF_INT32, Int32Array.from(value)];
  const id = binding.createTensor(shape, type, values);
  constants.set(key, id);
  constantTypes.set(id, type);
  return id;
}

/** The type of the constant with this number. Throws for any other tensor. */
export function constantType(id: number): number {
  const type = constantTypes.get(id);
  if (type === undefined) throw new Error(`recorded work reads tensor ${id}, which is not in its list`);
  return type;
}

/** Gives `tensor` and its clones the values that the binding knows by `id`. */
export function renew(tensor: TensorInfo, id: number): void {
  const { binding, tensorMap } = tensorFlow();
  const data = tensorMap.get(tensor.dataId);
  binding.deleteTensor(data.id);
  data.id = id;
}

/** Disposes of `tensor` but keeps its values, and returns their number. */
export function release(tensor: Tensor): number {
  const data = tensorFlow().tensorMap.get(tensor.dataId);
  const { id } = data;
  data.id = -1; // so that the binding keeps the values
  tensor.dispose();
  return id;
}

export const attribute = {
  /** The type of float32 tensors. */
  float32: (name = 'T') => makeAttribute('TF_ATTR_TYPE', name, tensorFlow().binding.TF_FLOAT),
  int32: (name: string) => makeAttribute('TF_ATTR_TYPE', name, tensorFlow().binding.TF_INT32),
  float: (name: string, value: number) => makeAttribute('TF_ATTR_FLOAT', name, value),
  text: (name: string, value: string) => makeAttribute('TF_ATTR_STRING', name, value),
  flag: (name: string, value: boolean) => makeAttribute('TF_ATTR_BOOL', name, value),
  integers: (name: string, value: number[]) => makeAttribute('TF_ATTR_INT', name, value),
};

function makeAttribute(type: Code, name: string, value: unknown): Attribute {
  return { name, type: tensorFlow().binding[type], value };
}

export function tensorFlow(): TensorFlowBackend {
  return backend() as unknown as TensorFlowBackend;
}
