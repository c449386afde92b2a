import { type BigIntStats, statSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';

/**
 * What tells a folder from the same folder after a change. Making, linking, renaming or removing a name in it, and
 * changing its mode or owner, sets `ctime`, which no program can choose; a folder put in its place has another inode or
 * was made later. Everything is compared, so that one of them is enough.
 */
type Stamp = Pick<BigIntStats, 'dev' | 'ino' | 'mode' | 'uid' | 'mtimeNs' | 'ctimeNs'>;

/**
 * File systems (`f_type`, statfs(2)) on which one kernel makes every change and keeps every stamp: ext2 to ext4, XFS,
 * Btrfs, tmpfs, F2FS, ZFS, and overlayfs over one of them. Elsewhere stamps prove nothing: NFS and its like give
 * attributes that are seconds old, with times of another machine's clock, and a stuck server would block the process.
 */
const COHERENT = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010, 0x2fc12fc1, 0x794c7630]);

/**
 * How old the last change of a folder must be before its stamp counts. A kernel takes stamps from a clock that moves in
 * ticks of up to 10 ms, or of a second where an old ext4 stores no more, and that a busy host may hold back: two changes
 * within one tick leave the same stamp, and a listing between them would miss the second for ever (as git has it with
 * its index, "racy git"). Anything changed after such a listing has a stamp that is later than the one it was made with.
 */
const SETTLED_MS = 3000;

/**
 * How long one look at a folder serves, in milliseconds. Whoever changes a folder waits for longer before saying so
 * ({@link seenByAll}): what was done is therefore noticed by every call that begins after it was said.
 */
const LOOK_MS = 1;
const WAIT_MS = 2 * LOOK_MS;

/** Monotonic and the same for all processes. Taken now: tests of others may put another clock in its place later. */
const clock = performance.now.bind(performance);

/** Waits until every process that looked at a folder before this call has to look again. */
export async function seenByAll(folder: string): Promise<void> {
  const until = clock() + WAIT_MS;
  // Not by a timer, which may be another's as the clock may.
  while (clock() < until) await stat(folder).catch(() => undefined);
}

/** Remembers what was last listed in a folder, for as long as a stamp proves that nothing has changed since. */
export class StampedListing<T> {
  readonly #path: string;
  /** Device of the coherent file system that the folder lies on; false when it lies on another; undefined at first. */
  #device: bigint | false | undefined;
  #known: { readonly stamp: Stamp; readonly listing: T } | undefined;
  /** When the last look began that found nothing changed. */
  #lookedAt = -Infinity;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * What was remembered, if it holds now. At most one system call, made at once: handing it to a thread takes thirty
   * times as long as the call.
   */
  current(): T | undefined {
    if (this.#known === undefined) return undefined;
    const began = clock();
    if (began - this.#lookedAt < LOOK_MS) return this.#known.listing;
    const now = this.#stamp();
    if (now !== undefined && isSame(now, this.#known.stamp)) {
      this.#lookedAt = began;
      return this.#known.listing;
    }
    this.#known = undefined;
    return undefined;
  }

  /**
   * To be called before the folder is listed.
   *
   * @returns remembers a listing that was begun after this call, if its stamp can be relied on
   */
  async begin(): Promise<(listing: T) => void> {
    const now = Date.now();
    const stamp = await this.#coherentStamp();
    // A change in the future means that the clock was set back: not settled either, until the clock has caught up.
    if (stamp === undefined || now - Number(stamp.ctimeNs / 1_000_000n) < SETTLED_MS) return () => undefined;
    return (listing) => {
      this.#known = { stamp, listing };
      this.#lookedAt = -Infinity;
    };
  }

  forget(): void {
    this.#known = undefined;
  }

  async #coherentStamp(): Promise<Stamp | undefined> {
    this.#device ??= await coherentDevice(this.#path);
    if (this.#device === false || this.#device === undefined) return undefined;
    const stamp = this.#stamp();
    // Another file system was mounted, or a link leads elsewhere now: the folder is always listed from now on.
    if (stamp !== undefined && stamp.dev !== this.#device) this.#device = false;
    return this.#device === false ? undefined : stamp;
  }

  #stamp(): Stamp | undefined {
    try {
      return statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    } catch {
      // Whoever lists the folder is told what is wrong with it.
      return undefined;
    }
  }
}

function isSame(a: Stamp, b: Stamp): boolean {
  return (
    a.ctimeNs === b.ctimeNs &&
    a.mtimeNs === b.mtimeNs &&
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.mode === b.mode &&
    a.uid === b.uid
  );
}

async function coherentDevice(path: string): Promise<bigint | false | undefined> {
  // The numbers are Linux's; others know file systems by other numbers or none.
  if (process.platform !== 'linux') return false;
  try {
    const { dev } = await stat(path, { bigint: true });
    return COHERENT.has((await statfs(path)).type) ? dev : false;
  } catch {
    return undefined;
  }
}
