// Downloads wheels with pip, each with the SHA-256 in a requirements file here, and unpacks them into a folder.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A line reads: `name==version --hash=sha256:... # 274 MB, 820 unpacked`. */
const line = /^([\w-]+)==(\S+) --hash=\S+ # (\d+) MB, (\d+) unpacked$/;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** The wheels that the requirements files name: [{ name, version, requirement, megabytes, unpacked }]. */
export function wheelsOf(files) {
  const lines = files.flatMap((file) => readFileSync(here(file), 'utf8').trim().split('\n'));
  return lines.map((requirement) => {
    const [, name, version, megabytes, unpacked] = requirement.match(line);
    return { name, version, requirement, megabytes: Number(megabytes), unpacked: Number(unpacked) };
  });
}

/** Downloads and unpacks what `folder` lacks, and says so first. If interrupted, it resumes at that wheel. */
export function addWheels(wheels, folder, say) {
  const lacking = wheels.filter((wheel) => !existsSync(stamp(wheel, folder)));
  if (lacking.length === 0) return;
  const python = findPython();
  const total = lacking.reduce((sum, { megabytes }) => sum + megabytes, 0);
  const names = lacking.map(({ name, version, megabytes }) => `${name} ${version} (${megabytes} MB)`);
  say(`downloading ${total} MB from the package index into ${folder}: ${names.join(', ')}`);
  mkdirSync(folder, { recursive: true });
  checkSpace(lacking, folder);
  for (const name of readdirSync(folder))
    if (/^(download|unpacking)-/.test(name)) rmSync(path.join(folder, name), { recursive: true }); // left by a kill
  for (const wheel of lacking) add(wheel, folder, python);
}

function add(wheel, folder, python) {
  const temporary = mkdtempSync(path.join(folder, 'download-'));
  try {
    download(wheel, temporary, python);
    const file = readdirSync(temporary).find((name) => name.endsWith('.whl'));
    run(python, [here('unpack.py'), path.join(temporary, file), folder], {}, wheel);
    writeFileSync(stamp(wheel, folder), `${wheel.requirement}\n`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The wheel for Python 3.12, whichever Python asks: only its C library is used. */
function download(wheel, temporary, python) {
  const requirements = path.join(temporary, 'requirements.txt');
  writeFileSync(requirements, `${wheel.requirement}\n`);
  const kept = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--python-version', '3.12', '--no-cache-dir'];
  const patience = ['--retries', '2', '--timeout', '30', '--disable-pip-version-check'];
  const progress = process.stderr.isTTY ? [] : ['--quiet'];
  const where = ['-d', temporary, '-r', requirements];
  const args = ['-m', 'pip', 'download', ...progress, ...kept, ...patience, ...where];
  run(python, args, { env: { ...process.env, TMPDIR: temporary } }, wheel);
}

function run(command, args, options, wheel) {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 2, 'pipe'], ...options });
  if (status !== 0) throw new Error(explain(stderr, wheel));
}

/** One line in place of pip's dozens. */
function explain(output, { name, version }) {
  const what = `${name} ${version}`;
  if (/DO NOT MATCH THE HASHES/.test(output))
    return `the wheel downloaded for ${what} does not have the pinned SHA-256: it was not used`;
  if (/No space left/.test(output)) return 'the disk is full: set CLR_CACHE to another folder';
  if (/NewConnectionError|Max retries|ProxyError|Temporary failure|timed out|SSLError/i.test(output))
    return `the package index cannot be reached for ${what} (a proxy: HTTPS_PROXY; a mirror: PIP_INDEX_URL; wheels by hand: PIP_NO_INDEX=1 PIP_FIND_LINKS=folder)`;
  if (/No matching distribution/.test(output))
    return (
      `there is no wheel of ${what} for this machine (x86-64 and glibc 2.27 or newer are required): ` +
      'set CLR_TENSORFLOW to an installed TensorFlow'
    );
  return `pip could not get ${what}: ${output.trim().split('\n').at(-1)}`;
}

function checkSpace(wheels, folder) {
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / 1e6);
  const unpacked = wheels.reduce((sum, wheel) => sum + wheel.unpacked, 0);
  const needed = unpacked + Math.max(...wheels.map(({ megabytes }) => 2 * megabytes)); // pip copies what it downloads
  if (free < needed)
    throw new Error(`${folder} has ${free} MB left, but ${needed} are needed: set CLR_CACHE to another folder`);
}

function findPython() {
  const python = process.env.PYTHON || 'python3';
  const found = spawnSync(python, ['-m', 'pip', '--version']);
  if (found.error)
    throw new Error(`${python} was not found; its pip downloads TensorFlow: apt-get install python3-pip`);
  if (found.status !== 0)
    throw new Error(
      `${python} has no pip, which downloads TensorFlow: apt-get install python3-pip, or set PYTHON to another one`,
    );
  return python;
}

function stamp({ name, version }, folder) {
  return path.join(folder, `${name}-${version}.unpacked`);
}
