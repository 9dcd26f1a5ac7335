// Prints what WebGPU's adapter offers with and without each of dawn's switches that the webgpu backend sets: features,
// limits, subgroups and the sizes that its matrix units multiply. For scripts/gpu-session.sh.
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
const switches = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia', 'disable_robustness', 'disable_workgroup_init'];
const kept = []; // dawn crashes if one is garbage-collected while its adapter is in use

async function show(enabled) {
  const gpu = create(enabled.length > 0 ? [`enable-dawn-features=${enabled.join(',')}`] : []);
  kept.push(gpu);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  console.log(`\n== ${enabled.join(', ') || 'no switch'}`);
  if (!adapter) return console.log('no adapter');
  const { info, features, limits } = adapter;
  console.log(`${info.vendor} | ${info.architecture} | ${info.device} | ${info.description}`);
  console.log(`subgroups of ${info.subgroupMinSize} to ${info.subgroupMaxSize}`);
  for (const { M, N, K, componentType, resultComponentType } of info.subgroupMatrixConfigs ?? [])
    console.log(`matrices ${M} x ${N} x ${K}, ${componentType} into ${resultComponentType}`);
  console.log([...features].sort().join(' '));
  if (enabled.length > 0) return;
  for (const name in limits) console.log(`${name} ${limits[name]}`);
}

await show([]);
for (const one of switches) await show(one === switches[0] ? [one] : [switches[0], one]);
await show(switches);
process.exit(0); // dawn's threads would keep the process alive
