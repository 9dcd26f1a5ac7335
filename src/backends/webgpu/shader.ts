/** How the values of a tensor are stored in GPU memory. */
export type Format = 'f32' | 'f16';

/** A tensor (or table) as a shader sees it: an array of scalars or of vectors of four. */
export interface Binding {
  element: Format | 'u32';
  /** Values per array element: 4 if the innermost size allows. */
  width: 1 | 4;
  writable: boolean;
}

/** A compute shader; `body` has the entry point and may use the constants by their names. */
export interface Shader {
  /** The kernel's name, followed by a slash and the stage if it has several. */
  name: string;
  /** Threads per workgroup, in one dimension. */
  threads: number;
  /** WGSL extensions, besides f16 if a tensor needs it. */
  extensions?: string[];
  body(constants: Constants): string;
}

/** Names for use in the shader: a whole number becomes a u32, a string a type alias; floats are marked `f32`. */
export type Constants = Record<string, number | boolean | string | { f32: number | number[] }>;

/**
 * The whole WGSL of a shader. A binding `x` of width 4 is read as `x_at(i)`, a vec4<f32>, and written by
 * `x_put(i, value)`, whatever its format: arithmetic is float32. THREADS is the number of threads per workgroup.
 */
export function wgsl(shader: Shader, bindings: Record<string, Binding>, constants: Constants): string {
  const half = Object.values(bindings).some(({ element }) => element === 'f16');
  const extensions = new Set([...(shader.extensions ?? []), ...(half ? ['f16'] : [])]);
  return [
    extensions.size > 0 ? `enable ${[...extensions].join(', ')};` : '',
    `const THREADS = ${shader.threads}u;`,
    ...Object.entries(constants).map(([name, value]) => constant(name, value)),
    ...Object.entries(bindings).map(([name, binding], i) => declaration(name, binding, i, 'stray' in bindings)),
    shader.body(constants),
  ].join('\n');
}

function constant(name: string, value: Constants[string]): string {
  if (typeof value === 'string') return `alias ${name} = ${value};`;
  if (typeof value === 'object') {
    const values = [value.f32].flat().map((number) => `f32(${number})`);
    return `const ${name} = ${Array.isArray(value.f32) ? `array(${values})` : values};`;
  }
  return `const ${name} = ${value}${typeof value === 'number' ? 'u' : ''};`;
}

/** `checked`: an index past the end is noted in the binding `stray`. */
function declaration(name: string, { element, width, writable }: Binding, index: number, checked: boolean): string {
  const type = width === 4 ? `vec4<${element}>` : element;
  const value = element === 'u32' ? type : width === 4 ? 'vec4<f32>' : 'f32';
  const check = checked ? `if (i >= arrayLength(&${name})) { stray[0] = ${index + 1}u; }` : '';
  return [
    `@group(0) @binding(${index}) var<storage, ${writable ? 'read_write' : 'read'}> ${name}: array<${type}>;`,
    `fn ${name}_at(i: u32) -> ${value} { ${check} return ${value}(${name}[i]); }`,
    !writable ? '' : `fn ${name}_put(i: u32, v: ${value}) { ${check} ${name}[i] = ${type}(v); }`,
  ].join('\n');
}

/** The entry point of a shader whose threads take the elements 0 to COUNT - 1 in turn, as `i`. */
export function elementwise(body: string): () => string {
  return () => `
@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < COUNT; i += groups.x * THREADS) {
    ${body}
  }
}`;
}
