/** The disk's own pace: the median time of an fsync after a write of 16 KB. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './statistics.ts';

export function measureFsync(): number {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-fsync-'));
  const fd = openSync(join(dir, 'file'), 'w');
  const page = Buffer.alloc(16 * 1024, 1);
  const times = Array.from({ length: 200 }, () => {
    writeSync(fd, page);
    const started = performance.now();
    fdatasyncSync(fd);
    return performance.now() - started;
  });
  closeSync(fd);
  rmSync(dir, { recursive: true });
  return median(times);
}
