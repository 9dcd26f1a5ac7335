import { afterEach, expect, test, vi } from 'vitest';
import { chooseAdapter } from './adapter-names.js';
import { dawnOptions } from './gpu.js';

const names = ['NVIDIA H100 80GB HBM3', 'AMD Radeon Graphics (RADV PHOENIX)', 'llvmpipe (LLVM 15.0.6, 256 bits)'];

test.each([
  ['NVIDIA H100 80GB HBM3', 0],
  ['nvidia-h100-80gb-hbm3', 0], // as `clr doctor` prints it
  ['h100', 0],
  ['radeon', 1],
  ['LLVMPIPE', 2],
  ['llvmpipe-llvm-15-0-6-256-bits-', 2],
  ['webgpu:0', 0],
  ['webgpu:2', 2],
])('--device %s is adapter %i', (device, index) => {
  expect(chooseAdapter(names, device)).toBe(names[index]);
});

test('a name that no adapter has is rejected, and the adapters are listed', () => {
  expect(() => chooseAdapter(names, 'a100')).toThrow(/no device named "a100"; found: webgpu:0 NVIDIA H100/);
  expect(() => chooseAdapter(names, 'webgpu:3')).toThrow(/no device named "webgpu:3"/);
  expect(() => chooseAdapter([], 'a100')).toThrow(/found: none/);
});

test('the second of two equal cards is rejected, since dawn would take the first', () => {
  const equal = ['NVIDIA A100', 'NVIDIA A100', 'NVIDIA A100 40GB'];
  expect(chooseAdapter(equal, 'webgpu:0')).toBe('NVIDIA A100');
  expect(() => chooseAdapter(equal, 'webgpu:1')).toThrow(/cannot tell NVIDIA A100 \(webgpu:1\) from .*webgpu:0/);
  expect(chooseAdapter(equal, 'webgpu:2')).toBe('NVIDIA A100 40GB');
});

afterEach(() => vi.unstubAllEnvs());
test('shaders check indices in kernel checks or if the environment asks for it, but not in training', () => {
  const enabled = (robust: boolean) => dawnOptions({ robust })[0];
  expect(enabled(false)).toBe(
    'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,disable_robustness,disable_workgroup_init',
  );
  expect(enabled(true)).toBe('enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia');
  vi.stubEnv('CLR_WEBGPU_ROBUST', '1');
  expect(enabled(false)).not.toContain('disable_robustness');
  vi.stubEnv('CLR_WEBGPU_ROBUST', '0');
  expect(enabled(true)).toContain('disable_robustness');
});
