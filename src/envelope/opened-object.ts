import { toHex } from '../bytes/index.ts';
import type { FloeState } from '../crypto/floe/segments.ts';
import { zero } from '../crypto/secrets.ts';
import { WaxsealError } from '../errors/index.ts';
import { unlockSlots } from './choose-slot.ts';
import { BATCH_BYTES, readSourceAhead } from './file-reading.ts';
import { checkExpectations, type Expectations } from './expectations.ts';
import type { Head } from './format/head.ts';
import type { Layout } from './format/layout.ts';
import { OBJECT_TYPE } from './format/limits.ts';
import { openMeta, type PrivateMetadata } from './format/meta.ts';
import type { TagState } from './format/recipients.ts';
import type { Keys } from './keys-input.ts';
import { keyList } from './keys-input.ts';
import type { Loaded } from './load.ts';
import type { LoadedObject } from './load-object.ts';
import { openSegment, type PayloadShape, shapeOfObject } from './payload.ts';
import type { Observe } from '../keys/observer.ts';
import type { OpenSource } from './source.ts';
import { startPayload, type Unlocked } from './unlock.ts';

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

/** The recipient entry that gave the data key. */
export interface OpenedBy {
  /** Key URI, without a version. */
  readonly uri: string;
  /** As the provider reported it while unwrapping. */
  readonly version: string;
  /** False for a public-key wrap, which proves nothing about who sealed. */
  readonly symmetricWrap: boolean;
  /** Whether the entry carries a valid tag of somebody who held the data key. */
  readonly tag: TagState;
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
export async function unlockObject(
  { head, lists }: Loaded,
  name: string,
  keys: Keys,
  options: ObjectOptions,
  verb: string,
): Promise<UnlockedObject> {
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
    return unlockedObject(head, unlocked, name);
  } finally {
    zero(unlocked.dataKey);
  }
}

/** The object behind an unwrapped data key: checks the header tag (again) and opens the private metadata. */
export function unlockedObject(head: Head, unlocked: Unlocked, name: string): UnlockedObject {
  const metadata = head.meta.length === 0 ? undefined : openMeta(head.meta, unlocked.dataKey, head.bind, name);
  return {
    head,
    state: startPayload(head, unlocked.dataKey),
    info: {
      id: toHex(head.core.id),
      context: head.core.context,
      created: new Date(head.core.created * 1000),
      layout: head.geometry.layout,
      segmentLength: head.core.segmentLength,
      metadata,
      openedBy: {
        uri: unlocked.recipient.uri,
        version: unlocked.version,
        symmetricWrap: unlocked.provider.symmetric,
        tag: unlocked.tag,
      },
    },
  };
}

export function typeName(type: number): string {
  return type === OBJECT_TYPE.data ? 'data' : type === OBJECT_TYPE.treeRoot ? 'tree root' : 'secrets file';
}

/** Where the segments are, and what to close in the end. */
type Pieces = Pick<LoadedObject, 'payload' | 'close'>;

/**
 * A sealed object that is open for reading anywhere. Every byte it gives has been authenticated. Close it when done:
 * that zeroes its keys and closes its file.
 */
export class OpenedObject {
  /** What the head says, authenticated. */
  readonly info: ObjectInfo;
  /** Plaintext bytes. */
  readonly size: number;
  readonly #source: OpenSource;
  readonly #head: Head;
  readonly #state: FloeState;
  readonly #shape: PayloadShape;
  readonly #close: () => Promise<void>;
  #closed = false;

  private constructor(pieces: Pieces, { head, state, info }: UnlockedObject, shape: PayloadShape) {
    this.info = info;
    this.size = shape.size;
    this.#source = pieces.payload;
    this.#close = pieces.close;
    this.#head = head;
    this.#state = state;
    this.#shape = shape;
  }

  /** Takes over the sources and `unlocked`: they are closed with the object, `unlocked` also when this fails. */
  static async start(pieces: Pieces, unlocked: UnlockedObject): Promise<OpenedObject> {
    const { head, state } = unlocked;
    try {
      const shape = shapeOfObject(head, pieces.payload.size, pieces.payload.name);
      const object = new OpenedObject(pieces, unlocked, shape);
      // Without a size in the core the length of the source decides where the end is. Only the final segment says
      // that it really is one: a cut at a segment boundary must never look like a shorter object.
      if (head.core.size === undefined) await object.#segment(shape.segments - 1);
      return object;
    } catch (error) {
      state.close();
      throw error;
    }
  }

  /**
   * Plaintext bytes `start` (included) to `end` (excluded); `end` past the end of the object means its end.
   *
   * @returns a buffer that the caller owns
   * @throws WaxsealError `ERR_RANGE_NOT_SATISFIABLE` when `start` is not inside the object, `ERR_AUTHENTICATION`,
   * `ERR_TRUNCATED`, `ERR_IO`
   */
  async read(
    start: number,
    end: number = this.size,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const stop = this.#checkRange(start, end);
    const out = new Uint8Array(stop - start);
    let filled = 0;
    for await (const part of this.#parts(start, stop, options.signal)) {
      out.set(part, filled);
      filled += part.length;
    }
    return out;
  }

  /** The plaintext, or a range of it, in order, segment by segment; each chunk is the receiver's. */
  stream(
    start = 0,
    end: number = this.size,
    options: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#parts(start, this.#checkRange(start, end), options.signal);
  }

  async *#parts(start: number, stop: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    this.#assertOpen();
    if (start === stop) {
      // Nothing to give; but an empty object that was changed must not pass for an empty object.
      if (this.size === 0) await this.#segment(0);
      return;
    }
    const { plainLength, segmentLength, segments } = this.#shape;
    if (segments === 1) {
      // A short object is one read: no need to read ahead.
      signal?.throwIfAborted();
      yield (await this.#segment(0)).subarray(start, stop);
      return;
    }
    const first = Math.floor(start / plainLength);
    const last = Math.floor((stop - 1) / plainLength);
    const base = this.#head.geometry.segments;
    const from = base + first * segmentLength;
    const to = base + last * segmentLength + this.#lengthOf(last);
    const batch = Math.max(1, Math.floor(BATCH_BYTES / segmentLength)) * segmentLength;
    let position = first;
    for await (const bytes of readSourceAhead(this.#source, from, to, batch)) {
      for (let at = 0; at < bytes.length; at += segmentLength) {
        signal?.throwIfAborted();
        const plaintext = this.#open(bytes.subarray(at, at + segmentLength), position);
        const offset = position * plainLength;
        position += 1;
        yield plaintext.subarray(Math.max(0, start - offset), Math.min(plaintext.length, stop - offset));
      }
    }
    if (position <= last) throw this.#shorter();
  }

  async #segment(position: number): Promise<Uint8Array> {
    const { segmentLength } = this.#shape;
    const from = this.#head.geometry.segments + position * segmentLength;
    return this.#open(await this.#source.read(from, this.#lengthOf(position)), position);
  }

  #open(bytes: Uint8Array, position: number): Uint8Array {
    this.#assertOpen();
    if (bytes.length < this.#lengthOf(position)) throw this.#shorter();
    return openSegment(this.#state, bytes, position, position === this.#shape.segments - 1, this.#source.name);
  }

  #assertOpen(): void {
    if (this.#closed) throw new TypeError('the object has been closed');
  }

  #lengthOf(position: number): number {
    return position === this.#shape.segments - 1 ? this.#shape.finalLength : this.#shape.segmentLength;
  }

  #shorter(): WaxsealError {
    const { name } = this.#source;
    return new WaxsealError('ERR_TRUNCATED', `${name} became shorter while it was read`, { object: name });
  }

  #checkRange(start: number, end: number): number {
    if (!Number.isSafeInteger(start) || start < 0 || !(end >= start)) {
      throw new RangeError(
        `a range is start (included) to end (excluded), 0 or more; got ${String(start)}, ${String(end)}`,
      );
    }
    if (start >= this.size && !(start === end && start === this.size) && !(this.size === 0 && start === 0)) {
      throw new WaxsealError(
        'ERR_RANGE_NOT_SATISFIABLE',
        `byte ${String(start)} lies outside ${this.#source.name}, which has ${String(this.size)} bytes`,
        { object: this.#source.name },
      );
    }
    return Math.min(end, this.size);
  }

  /** Zeroes the keys and closes the file. Harmless when called twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#state.close();
    await this.#close();
  }

  /** Closes it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
