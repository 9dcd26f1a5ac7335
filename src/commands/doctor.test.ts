import { execa } from 'execa';
import { expect, test } from 'vitest';
import { backendNames } from '../backends/index.js';
import type { Finding } from '../diagnostics/doctor.js';

const doctor = (...args: string[]) =>
  execa('node', ['bin/clr.js', 'doctor', '--cache', 'nowhere', ...args], {
    reject: false,
    env: { CLR_DATA: undefined },
  });

const subjects = ['Node.js', ...backendNames.map((name) => `backend ${name}`), 'CIFAR-10', 'charts'];

test('doctor --json lists Node.js, each backend, the data and the charts, and a remedy for each that is missing', async () => {
  const { exitCode, stdout } = await doctor('--json');
  expect(exitCode).toBe(0);
  const findings = JSON.parse(stdout) as Finding[];
  expect(findings.map(({ subject }) => subject)).toEqual(subjects);
  for (const { ok, detail, remedy } of findings) {
    expect(detail).toBeTruthy();
    expect(Boolean(remedy)).toBe(!ok);
  }
  const usable = findings.filter(({ ok }) => ok).map(({ subject }) => subject);
  expect(usable).toEqual(expect.arrayContaining(['Node.js', 'backend cpu', 'charts']));
  expect(usable).not.toContain('CIFAR-10');
});

test('doctor says the same in words, with the remedy on its own line', async () => {
  const { exitCode, stdout } = await doctor('--data', 'bin');
  expect(exitCode).toBe(0);
  const lines = stdout.split('\n');
  for (const subject of subjects)
    expect(lines.filter((line) => line.slice(9).startsWith(`${subject} `))).toHaveLength(1);
  expect(lines).toContainEqual(expect.stringMatching(/^ok +CIFAR-10 +bin$/));
  const missing = lines.filter((line) => line.startsWith('missing'));
  expect(lines.filter((line) => /^ +remedy: \S/.test(line))).toHaveLength(missing.length);
});

test('doctor names data that do not exist, and still exits with 0', async () => {
  const { exitCode, stdout } = await doctor('--data', 'nowhere.tar.gz', '--json');
  expect(exitCode).toBe(0);
  const data = (JSON.parse(stdout) as Finding[]).find(({ subject }) => subject === 'CIFAR-10');
  expect(data).toMatchObject({ ok: false, detail: 'nowhere.tar.gz does not exist' });
});

test('doctor --kernels compares each kernel of a backend with the reference', async () => {
  const { exitCode, stdout } = await doctor('--kernels', 'wasm', '--json');
  expect(exitCode).toBe(0);
  const [device, ...kernels] = JSON.parse(stdout) as Finding[];
  expect(device).toMatchObject({ subject: 'wasm', ok: true });
  expect(kernels.map(({ subject }) => subject)).toEqual(expect.arrayContaining(['Conv2D', 'BatchNormTrainGrad']));
  for (const { ok, detail } of kernels)
    expect({ ok, detail }).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^error at most \S+ of 0.0001 allowed, cases: \d+$/),
    });
});
