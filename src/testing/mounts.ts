import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Whether this process may mount file systems, as tests of full and read-only disks must. */
export const mayMount = process.getuid?.() === 0;

/** Whether it may mount images of ext4 as well: a container rarely has loop devices. */
export const mayMountExt4 = mayMount && spawnSync('losetup', ['--find']).status === 0;

export interface Disk {
  directory: string;
  unmount(): void;
}

/** Mounts a file system of this size (`2m`) in memory; it is gone once unmounted. */
export function mountTmpfs(size: string): Disk {
  const directory = mkdtempSync(path.join(tmpdir(), 'clr-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory]);
  return {
    directory,
    unmount() {
      unmountWhenUnused(directory);
      rmSync(directory, { recursive: true });
    },
  };
}

/** A run that a killed sweep has just started may still hold a file open: waits up to a minute for it to end. */
function unmountWhenUnused(directory: string): void {
  const script = 'for i in $(seq 600); do umount "$1" 2>/dev/null && exit; sleep 0.1; done; umount "$1"';
  execFileSync('sh', ['-c', script, 'sh', directory]);
}

/** An ext4 file system in a file of 48 MB, mounted like a device. */
export class Ext4Disk implements Disk {
  private readonly place = mkdtempSync(path.join(tmpdir(), 'clr-disk-'));
  private readonly image = path.join(this.place, 'image');
  readonly directory = path.join(this.place, 'mounted');

  /** `copyOf`: as a power cut at this moment would leave that disk: with what was flushed, or written out by chance. */
  constructor({ journal = true, copyOf }: { journal?: boolean; copyOf?: Ext4Disk } = {}) {
    mkdirSync(this.directory);
    if (copyOf) copyFileSync(copyOf.image, this.image);
    else {
      execFileSync('truncate', ['-s', '48M', this.image]);
      execFileSync('mkfs.ext4', ['-q', '-F', '-O', journal ? 'has_journal' : '^has_journal', this.image]);
    }
    this.mount();
  }

  /** What the kernel does after a device error: every write is refused from here on, open files included. */
  becomeReadOnly(): void {
    execFileSync('mount', ['-o', 'remount,abort', this.directory]);
  }

  /** Checks and mounts the disk again, as when a machine boots. */
  repair(): void {
    unmountWhenUnused(this.directory);
    this.mount();
  }

  unmount(): void {
    unmountWhenUnused(this.directory);
    rmSync(this.place, { recursive: true });
  }

  private mount(): void {
    const { status } = spawnSync('fsck.ext4', ['-fy', this.image]);
    if (status === null || status > 1) throw new Error(`fsck.ext4 ended with ${status}`); // 1: errors were corrected
    execFileSync('mount', ['-o', 'loop,errors=remount-ro', this.image, this.directory]);
  }
}
