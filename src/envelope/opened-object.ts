import { toHex } from '../bytes/index.ts';
import type { FloeState } from '../crypto/floe/segments.ts';
import { zero } from '../crypto/secrets.ts';
import { WaxsealError } from '../errors/index.ts';
import { unlockSlots } from './choose-slot.ts';
import { checkExpectations, type Expectations } from './expectations.ts';
import type { Head } from './format/head.ts';
import type { Layout } from './format/layout.ts';
import { OBJECT_TYPE } from './format/limits.ts';
import { openMeta, type PrivateMetadata } from './format/meta.ts';
import { type OpenedBy, openedBy } from './opened-by.ts';
import type { Keys } from './keys-input.ts';
import { keyList } from './keys-input.ts';
import type { Loaded } from './load.ts';
import type { LoadedObject } from './load-object.ts';
import { notSatisfiable } from './http-range.ts';
import { PayloadReader } from './payload-reader.ts';
import { type PayloadShape, shapeOfObject } from './payload.ts';
import { RangeReader } from './range-reader.ts';
import type { Observe } from '../keys/observer.ts';
import { startPayload } from './unlock.ts';
import { type Unlocked } from './unwrap-entry.ts';

/** What is known of an object once it has been opened; everything here has been authenticated. */
export interface ObjectInfo {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Public facts about the object, authenticated by now. */
  readonly context: Readonly<Record<string, string>>;
  /** When it was sealed, by the clock of the sealer. */
  readonly created: Date;
  /** Where the parts stand. */
  readonly layout: Layout;
  /** Bytes of an encrypted segment. */
  readonly segmentLength: number;
  /** Private metadata, if the sealer stored any. Display it; never use it as a path. */
  readonly metadata: PrivateMetadata | undefined;
  /** The recipient entry that gave the data key. */
  readonly openedBy: OpenedBy;
}

export interface UnlockedObject {
  readonly head: Head;
  readonly state: FloeState;
  readonly info: ObjectInfo;
}

export interface ObjectOptions extends Expectations {
  /** Awaited before and after every use of a key; throwing before vetoes it. */
  readonly observe?: Observe | undefined;
  /** Ends the work when it is aborted; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export const OBJECT_OPTIONS = ['observe', 'signal', 'expectId', 'expectContext', 'requireSymmetricWrap'] as const;

/** Unwraps the data key and checks the type, the header tag, metadata and expectations. */
export function unlockObject(
  loaded: Loaded,
  name: string,
  keys: Keys,
  options: ObjectOptions,
  verb: string,
): Promise<UnlockedObject> {
  return withUnlocked(loaded, name, keys, options, verb, (unlocked) => unlockedObject(loaded.head, unlocked, name));
}

/** A payload that can be read, and which entry opened it. */
export interface UnlockedPayload extends Pick<OpenedBy, 'uri' | 'version'> {
  readonly state: FloeState;
}

/** As {@link unlockObject}, for who asks for nothing but the payload: whether the entry has a valid tag is not looked at. */
export function unlockPayload(
  loaded: Loaded,
  name: string,
  keys: Keys,
  options: ObjectOptions,
  verb: string,
): Promise<UnlockedPayload> {
  return withUnlocked(loaded, name, keys, options, verb, (unlocked) => {
    metadataOf(loaded.head, unlocked, name);
    return { state: startPayload(unlocked), uri: unlocked.uri, version: unlocked.version };
  });
}

async function withUnlocked<T>(
  { head, lists }: Loaded,
  name: string,
  keys: Keys,
  options: ObjectOptions,
  verb: string,
  work: (unlocked: Unlocked) => T,
): Promise<T> {
  const providers = keyList(keys, verb);
  if (head.core.type !== OBJECT_TYPE.data) {
    throw new WaxsealError('ERR_WRONG_TYPE', `${name} is not sealed data but a ${typeName(head.core.type)}`, {
      object: name,
    });
  }
  checkExpectations(head, options, name);
  const { observe, signal, requireSymmetricWrap } = options;
  const unlocked = await unlockSlots(head, lists, providers, { name, observe, signal, requireSymmetricWrap });
  try {
    return work(unlocked);
  } finally {
    zero(unlocked.dataKey);
  }
}

/** The object behind an unwrapped data key; opens the private metadata. */
export function unlockedObject(head: Head, unlocked: Unlocked, name: string): UnlockedObject {
  const metadata = metadataOf(head, unlocked, name);
  return {
    head,
    state: startPayload(unlocked),
    info: {
      id: toHex(head.core.id),
      context: head.core.context,
      created: new Date(head.core.created * 1000),
      layout: head.geometry.layout,
      segmentLength: head.core.segmentLength,
      metadata,
      openedBy: openedBy(unlocked, head),
    },
  };
}

function metadataOf(head: Head, { dataKey }: Unlocked, name: string): PrivateMetadata | undefined {
  return head.meta.length === 0 ? undefined : openMeta(head.meta, dataKey, head.bind, name);
}

export function typeName(type: number): string {
  return type === OBJECT_TYPE.data ? 'data' : type === OBJECT_TYPE.treeRoot ? 'tree root' : 'secrets file';
}

/** Where the segments are, and what to close in the end. */
type Pieces = Pick<LoadedObject, 'payload' | 'close'>;

/** Options of a single read. */
export interface ReadOptions {
  /** Ends this read, and no other; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A sealed object that is open for reading anywhere, by many readers at once. Every byte it gives has been
 * authenticated. Close it when done: that zeroes its keys and what it keeps of the plaintext, and closes its file.
 *
 * @example
 * const object = await openObject('data.parquet.wax', keyring.key('default'));
 * const [head, tail] = await Promise.all([object.read(0, 4), object.read(object.size - 8)]);
 * await object.close();
 */
export class OpenedObject {
  /** What the head says, authenticated. */
  readonly info: ObjectInfo;
  /** Plaintext bytes. */
  readonly size: number;
  /** How messages name what holds its segments: a path, or `the object`. */
  readonly name: string;
  readonly #ranges: RangeReader;
  readonly #closeSource: () => Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor(pieces: Pieces, { head, state, info }: UnlockedObject, shape: PayloadShape, cacheBytes: number) {
    this.info = info;
    this.size = shape.size;
    this.name = pieces.payload.name;
    this.#ranges = new RangeReader(new PayloadReader(pieces.payload, head.geometry.segments, state, shape), cacheBytes);
    this.#closeSource = pieces.close;
  }

  /**
   * Takes over the sources and `unlocked`: they are closed with the object, `unlocked` also when this fails.
   *
   * @param cacheBytes how much decrypted plaintext may be kept for further reads; 0 for whoever reads once
   */
  static async start(pieces: Pieces, unlocked: UnlockedObject, cacheBytes = 0): Promise<OpenedObject> {
    const { head, state } = unlocked;
    try {
      const shape = shapeOfObject(head, pieces.payload.size, pieces.payload.name);
      const object = new OpenedObject(pieces, unlocked, shape, cacheBytes);
      // Without a size in the core the length of the source decides where the end is. Only the final segment says
      // that it really is one: a cut at a segment boundary must never look like a shorter object.
      if (head.core.size === undefined) await object.#ranges.checkEnd();
      return object;
    } catch (error) {
      state.close();
      throw error;
    }
  }

  /**
   * Plaintext bytes `start` (included) to `end` (excluded); `end` past the end of the object means its end. Only the
   * segments that overlap are read, each once and together, and those that a short read decrypts are kept for the next
   * (`cacheBytes` of {@link openObject}).
   *
   * @returns a buffer of exactly those bytes, which the caller owns
   * @throws WaxsealError `ERR_RANGE_NOT_SATISFIABLE` when `start` is not inside the object, `ERR_AUTHENTICATION`,
   * `ERR_TRUNCATED`, `ERR_IO`. RangeError for what is no range; TypeError when the object is closed, or is while this
   * reads
   *
   * @example
   * const object = await openObject('data.parquet.wax', keyring.key('default'));
   * const magic = await object.read(0, 4);
   */
  async read(start: number, end: number = this.size, { signal }: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const stop = this.#checkRange(start, end);
    signal?.throwIfAborted();
    const reading = this.#ranges.read(start, stop, signal);
    return signal === undefined ? reading : orAborted(reading, signal);
  }

  /**
   * The plaintext, or a range of it, in order, segment by segment; each chunk is the receiver's. Streams go around the
   * cache: they are for what is read once and may be larger than memory, of which they hold 2 MiB at a time.
   *
   * @throws as {@link OpenedObject.read}
   *
   * @example
   * const object = await openObject('model.onnx.wax', keyring.key('default'));
   * for await (const chunk of object.stream(1_000_000)) console.log(chunk.length);
   */
  stream(
    start = 0,
    end: number = this.size,
    { signal }: ReadOptions = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const stop = this.#checkRange(start, end);
    return this.#ranges.stream(start, stop, signal);
  }

  #checkRange(start: number, end: number): number {
    if (!Number.isSafeInteger(start) || start < 0 || !(end >= start)) {
      throw new RangeError(
        `a range is start (included) to end (excluded), 0 or more; got ${String(start)}, ${String(end)}`,
      );
    }
    if (start >= this.size && !(start === end && start === this.size) && !(this.size === 0 && start === 0)) {
      throw notSatisfiable(`byte ${String(start)}`, this.size, this.name);
    }
    return Math.min(end, this.size);
  }

  /**
   * Zeroes the keys and the cache, and closes the file. Reads that are under way fail with a TypeError; this waits for
   * the last of them to let go of the file. Harmless when called twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#ranges.close();
    await this.#closeSource();
  }

  /** Closes it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The outcome of `work`, unless the signal comes first; then `work` goes on for whoever shares it. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    const settled = (): void => {
      signal.removeEventListener('abort', abort);
    };
    work.then(resolve, reject).then(settled, settled);
  });
}
