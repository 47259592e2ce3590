/** The folders of a spool, and how files move between them: by rename alone, so that a file is always in just one. */
import {
  closeSync,
  type Dirent,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWholeFile } from '../whole-file.ts';
import { SpoolError } from './errors.ts';
import { formatOf } from './formats/format.ts';

export interface SeenFile {
  name: string;
  size: number;
  /** Nanoseconds since 1970, in decimal. */
  mtime: string;
  ino: string;
}

export interface Listing {
  files: SeenFile[];
  /** Names of files of no format that is known; they stay where they are. */
  unknown: string[];
  /** Names of what is no file: folders and links, which stay where they are, too. */
  others: string[];
}

const PLACES = ['incoming', 'processing', 'archive', 'failed'] as const;
export type Place = (typeof PLACES)[number];
const UNFINISHED = /^\.|\.(?:tmp|part|partial)$/i;

export class Folders {
  readonly dir: string;

  /** Makes those that are missing in it. @throws SpoolError `no-folder`, `other-filesystem`, `disk-failed` */
  constructor(dir: string) {
    this.dir = dir;
    onDisk(() => {
      // A name that is mistyped makes no spool.
      if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) throw noFolder(dir);
      for (const place of PLACES) mkdirSync(join(dir, place), { recursive: true });
      const devices = new Set(PLACES.map((place) => statSync(join(dir, place)).dev));
      if (devices.size > 1) throw otherFilesystem(dir);
    });
  }

  get incoming(): string {
    return join(this.dir, 'incoming');
  }

  path(place: Place, tag: string): string {
    return join(this.dir, place, tag);
  }

  /** What is in `incoming/` and is not marked as unfinished by its name, in the order of names. */
  async list(): Promise<Listing> {
    const listing: Listing = { files: [], unknown: [], others: othersIn(this.incoming) };
    for (const name of filesIn(this.incoming)) {
      if (UNFINISHED.test(name)) continue;
      if (formatOf(name) === undefined) listing.unknown.push(name);
      else {
        const seen = await look(join(this.incoming, name), name);
        if (seen !== undefined) listing.files.push(seen);
      }
    }
    return listing;
  }

  /** Whether one of the folders has something under this tag, whoever put it there. */
  hasTag(tag: string): boolean {
    return PLACES.some((place) => place !== 'incoming' && existsSync(this.path(place, tag)));
  }

  /** Names of the folders in `processing/`. */
  inProcess(): string[] {
    return onDisk(() => entries(join(this.dir, 'processing')).filter((entry) => entry.isDirectory())).map(
      ({ name }) => name,
    );
  }

  /** Files in `processing/TAG`. */
  async filesOf(tag: string): Promise<SeenFile[]> {
    const dir = this.path('processing', tag);
    const seen = await Promise.all(filesIn(dir).map((name) => look(join(dir, name), name)));
    return seen.filter((file) => file !== undefined);
  }

  /**
   * Takes a file as it was seen from `incoming/` into `processing/TAG`; again makes no difference.
   * @returns false when it is gone, or is another by now
   */
  async take(tag: string, { name, size, mtime }: Omit<SeenFile, 'ino'>): Promise<boolean> {
    const taken = join(this.path('processing', tag), name);
    if (existsSync(taken)) return true;
    const seen = await look(join(this.incoming, name), name);
    if (seen === undefined || seen.size !== size || seen.mtime !== mtime) return false;
    onDisk(() => {
      mkdirSync(this.path('processing', tag), { recursive: true });
      renameSync(join(this.incoming, name), taken);
    });
    return true;
  }

  /** When this returns, what was taken stays taken. */
  syncTaken(tag: string): void {
    const dir = this.path('processing', tag);
    onDisk(() => sync([...(existsSync(dir) ? [dir] : []), join(this.dir, 'processing'), this.incoming]));
  }

  /**
   * Moves files from `processing/TAG` to where they stay, for good when it returns; again makes no difference.
   * @returns names of those that are in neither
   */
  file(tag: string, place: 'archive' | 'failed', names: readonly string[]): string[] {
    const from = this.path('processing', tag);
    const to = this.path(place, tag);
    return onDisk(() => {
      mkdirSync(to, { recursive: true });
      const missing = names.filter((name) => !fileOne(join(from, name), join(to, name)));
      sync([to, join(this.dir, place), ...(existsSync(from) ? [from] : [])]);
      return missing;
    });
  }

  /** @returns false where something is left in it that nobody asked for */
  removeEmpty(tag: string): boolean {
    const dir = this.path('processing', tag);
    return onDisk(() => {
      if (!existsSync(dir)) return true;
      if (readdirSync(dir).length > 0) return false;
      rmdirSync(dir);
      sync([join(this.dir, 'processing')]);
      return true;
    });
  }

  /** A file about the run, in `failed/TAG`, whole or not at all. */
  report(tag: string, name: string, text: string): void {
    onDisk(() => {
      mkdirSync(this.path('failed', tag), { recursive: true });
      writeWholeFile(join(this.path('failed', tag), name), text, 0o644);
      sync([join(this.dir, 'failed')]);
    });
  }
}

function fileOne(from: string, to: string): boolean {
  if (existsSync(from)) renameSync(from, to);
  return existsSync(to);
}

function filesIn(dir: string): string[] {
  return onDisk(() => (existsSync(dir) ? entries(dir) : []).filter((entry) => entry.isFile()))
    .map(({ name }) => name)
    .sort();
}

function othersIn(dir: string): string[] {
  return onDisk(() => entries(dir).filter((entry) => !entry.isFile()))
    .map(({ name }) => name)
    .filter((name) => !UNFINISHED.test(name))
    .sort();
}

function entries(dir: string): Dirent[] {
  return readdirSync(dir, { withFileTypes: true });
}

async function look(path: string, name: string): Promise<SeenFile | undefined> {
  try {
    const { size, mtimeNs, ino } = await lstat(path, { bigint: true });
    return { name, size: Number(size), mtime: String(mtimeNs), ino: String(ino) };
  } catch (cause) {
    // Between two looks a file may go as it came.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SpoolError('disk-failed', messageOf(cause), { cause });
  }
}

function sync(dirs: readonly string[]): void {
  for (const dir of dirs) {
    const fd = openSync(dir, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}

function onDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SpoolError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'EXDEV') throw otherFilesystem('the spool', cause);
    throw new SpoolError('disk-failed', messageOf(cause), { cause });
  }
}

function noFolder(dir: string): SpoolError {
  const why = existsSync(dir) ? 'is no folder' : 'does not exist; make it first';
  return new SpoolError('no-folder', `SPOOL_DIR: ${dir} ${why}`);
}

function otherFilesystem(dir: string, cause?: unknown): SpoolError {
  const names = PLACES.map((place) => `${place}/`).join(', ');
  return new SpoolError('other-filesystem', `${names} of ${dir} must be on one filesystem: files move by rename`, {
    cause,
  });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
