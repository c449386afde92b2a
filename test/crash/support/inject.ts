/**
 * Preloaded into a process of a crash test (`node --import`): everything that changes the file system goes through here
 * and is counted, and at one of the steps the process is killed as the kernel or an operator would do it.
 *
 * Nothing in the shipped code knows of it: the functions of `node:fs`, `node:fs/promises`, the methods of FileHandle and
 * the two calls of SQLite that are the lock are replaced from outside.
 */
import fs from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

export interface Injection {
  /** The step to die at, counted from 1; 0 to count only. */
  readonly at: number;
  /**
   * `before` and `after` the step; `torn`: half of a write done. `short`: nobody dies, but every write of the kernel
   * takes half of what it was given.
   */
  readonly how: 'before' | 'after' | 'torn' | 'short';
  /** Where a process that ends by itself writes the names of its steps. */
  readonly report: string;
  /** Whether reads are steps too. */
  readonly reads: boolean;
}

type AnyCall = (this: unknown, ...args: unknown[]) => unknown;
type Calls = Record<string, AnyCall | undefined>;

const { at, how, report, reads } = JSON.parse(process.env.WAXSEAL_INJECT ?? '{}') as Injection;
const { writeSync, writeFileSync } = fs;
const taken: string[] = [];

function die(): never {
  for (;;) process.kill(process.pid, 'SIGKILL');
}

/** One step: runs the call, or dies before it, in it or after it. */
function step(name: string, call: () => unknown, half?: () => void): unknown {
  taken.push(name);
  if (taken.length !== at) return call();
  if (how === 'before') die();
  if (how === 'torn') {
    half?.();
    die();
  }
  let result: unknown;
  try {
    result = call();
  } catch {
    die();
  }
  return result instanceof Promise ? result.then(die, die) : die();
}

function replace(target: object, name: string, make: (original: AnyCall) => AnyCall): void {
  const calls = target as Calls;
  const original = calls[name];
  if (original !== undefined) calls[name] = make(original);
}

const counted =
  (name: string) =>
  (original: AnyCall): AnyCall =>
    function (...args) {
      return step(name, () => original.apply(this, args));
    };

const CHANGING = [
  'mkdir',
  'link',
  'rename',
  'unlink',
  'rm',
  'rmdir',
  'writeFile',
  'appendFile',
  'truncate',
  'copyFile',
];
const LOOKING = ['stat', 'lstat', 'readdir', 'realpath', 'statfs', 'access', 'readFile'];
const isChange = (flags: unknown): boolean =>
  typeof flags === 'number'
    ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0
    : flags !== undefined && flags !== 'r';

replace(
  promises,
  'open',
  (original) =>
    async function (...args) {
      const call = (): unknown => original.apply(this, args);
      if (!isChange(args[1])) return reads ? step('open', call) : call();
      const handle = (await step('open', call)) as FileHandle;
      // A property of each handle, not a method of its prototype.
      replace(handle, 'close', counted('close'));
      return handle;
    },
);
for (const name of CHANGING) replace(promises, name, counted(name));
if (reads) for (const name of LOOKING) replace(promises, name, counted(name));

// Not used for writing today; counted all the same, so that a step that moves there does not leave the tests.
for (const name of [...CHANGING, 'write', 'writev', 'fsync', 'fdatasync', 'ftruncate']) {
  replace(fs, name, counted(`${name} (callback)`));
  replace(fs, `${name}Sync`, counted(`${name}Sync`));
}

const probe = await promises.open(process.execPath, 'r');
const handles = Object.getPrototypeOf(probe) as object;
await probe.close();

const bytesOf = (buffers: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(buffers));
const halfOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, Math.max(1, Math.floor(bytes.length / 2)));

replace(
  handles,
  'write',
  (original) =>
    function (this: unknown, ...args) {
      const [buffer, offset = 0, length = buffer.length - offset, position] = args as [
        Uint8Array,
        number?,
        number?,
        number?,
      ];
      const half = halfOf(buffer.subarray(offset, offset + length));
      return step(
        'write',
        () =>
          how === 'short' && length > 0
            ? original.call(this, half, 0, half.length, position)
            : original.apply(this, args),
        () => writeSync((this as FileHandle).fd, half, 0, half.length, position),
      );
    },
);
replace(
  handles,
  'writev',
  (original) =>
    function (this: unknown, ...args) {
      const [buffers, position] = args as [Uint8Array[], number];
      return step(
        'writev',
        () =>
          how === 'short' ? original.call(this, [halfOf(bytesOf(buffers))], position) : original.apply(this, args),
        () => {
          const half = halfOf(bytesOf(buffers));
          writeSync((this as FileHandle).fd, half, 0, half.length, position);
        },
      );
    },
);
for (const name of ['sync', 'datasync', 'truncate', 'writeFile', 'appendFile', 'chmod', 'utimes']) {
  replace(handles, name, counted(name));
}
if (reads) for (const name of ['read', 'stat']) replace(handles, name, counted(name));

const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
replace(DatabaseSync.prototype, 'exec', counted('lock'));
replace(DatabaseSync.prototype, 'close', counted('unlock'));

syncBuiltinESMExports();
process.on('exit', () => {
  if (report !== '') writeFileSync(report, JSON.stringify(taken));
});
