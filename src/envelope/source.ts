import { type FileHandle, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { allocateUnset } from '../bytes/index.ts';
import { fromSystemError, WaxsealError } from '../errors/index.ts';
import { readFully } from '../files/index.ts';

/**
 * Something sealed that can be read anywhere: a file, an object in a store, a buffer. Implement it to read from
 * elsewhere; `read` must give exactly the bytes asked for, or fewer where the object ends.
 */
export interface RandomAccess {
  /** Length of the whole sealed object, in bytes. */
  readonly size: number;
  /** How messages name it. */
  readonly name?: string | undefined;
  /** A buffer that the caller may keep and change. */
  read(offset: number, length: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<Uint8Array>;
}

/** One piece that can be read anywhere: a path, a file URL, bytes, a Blob, or a {@link RandomAccess}. */
export type PieceSource = string | URL | Uint8Array | Blob | RandomAccess;

/** A detached object in its two pieces. The payload of a header on disk is otherwise looked for beside it. */
export interface DetachedSource<Header = PieceSource, Payload = PieceSource> {
  /** The sealed head with the recipients, `.wax` by convention. */
  readonly header: Header;
  /** `.floe` by convention. */
  readonly payload: Payload;
}

/** What the verbs that read anywhere accept. */
export type SealedSource = PieceSource | DetachedSource;

export function isDetachedSource<T>(source: T): source is Extract<T, DetachedSource<unknown, unknown>> {
  return typeof source === 'object' && source !== null && 'header' in source && 'payload' in source;
}

/** A source with the means to give it back. */
export interface OpenSource extends RandomAccess {
  readonly name: string;
  /** True where a later read may see other bytes, so that a torn slot is worth reading again. */
  readonly changes: boolean;
  /** Present for files. */
  readonly handle?: FileHandle | undefined;
  close(): Promise<void>;
}

/**
 * Opens a source.
 *
 * @throws WaxsealError `ERR_FILE_NOT_FOUND`, `ERR_NOT_A_FILE`, `ERR_IO`; TypeError for anything else
 */
export async function openSource(source: PieceSource): Promise<OpenSource> {
  if (source instanceof Uint8Array) return bytesSource(source);
  if (typeof source === 'string' || source instanceof URL) return fileSource(source);
  if (source instanceof Blob) return blobSource(source);
  if (isRandomAccess(source)) {
    return {
      size: source.size,
      name: source.name ?? 'the object',
      changes: true,
      read: (offset, length, options) => source.read(offset, length, options),
      close: () => Promise.resolve(),
    };
  }
  throw new TypeError(EXPECTED);
}

const EXPECTED = 'expected a path, a file URL, a Uint8Array, a Blob, or an object with size and read(offset, length)';

function isRandomAccess(source: unknown): source is RandomAccess {
  if (typeof source !== 'object' || source === null) return false;
  const { read, size } = source as Partial<RandomAccess>;
  return typeof read === 'function' && Number.isSafeInteger(size);
}

/** @throws TypeError that says which verb to call, for what cannot be read anywhere */
export function requireSource(verb: string, source: unknown): void {
  const pieces: unknown[] = isDetachedSource(source as SealedSource)
    ? Object.values({ header: (source as DetachedSource).header, payload: (source as DetachedSource).payload })
    : [source];
  for (const piece of pieces) {
    if (typeof piece === 'string' || piece instanceof Uint8Array || piece instanceof URL) continue;
    if (piece instanceof Blob || isRandomAccess(piece)) continue;
    throw new TypeError(`${verb}: ${EXPECTED}; a stream goes to open, openFile or verify`);
  }
}

/** Bytes as a source; closing it does nothing. */
export function bytesSource(bytes: Uint8Array, name = 'the object'): OpenSource {
  return {
    size: bytes.length,
    name,
    changes: false,
    // Views, not copies: nothing in the envelope changes what it has read.
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    close: () => Promise.resolve(),
  };
}

function blobSource(blob: Blob): OpenSource {
  return {
    size: blob.size,
    name: 'the object',
    changes: false,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
    close: () => Promise.resolve(),
  };
}

/** Opens a file for reading, or for reading and writing with `r+`. */
export async function fileSource(
  path: string | URL,
  flags: 'r' | 'r+' = 'r',
): Promise<OpenSource & { handle: FileHandle }> {
  const name = typeof path === 'string' ? path : fileURLToPath(path);
  let handle: FileHandle;
  try {
    handle = await open(path, flags);
  } catch (error) {
    throw fromSystemError(error, flags === 'r' ? 'read' : 'write', name, flags === 'r');
  }
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) {
      throw new WaxsealError('ERR_NOT_A_FILE', `${name} is not a regular file`, { object: name });
    }
    return {
      size: facts.size,
      name,
      changes: true,
      handle,
      async read(offset, length) {
        try {
          // Cut to what was read, so that zeroing it first would only cost time.
          return await readFully(handle, allocateUnset(length), offset);
        } catch (error) {
          throw fromSystemError(error, 'read', name, true);
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw fromSystemError(error, 'read', name, true);
  }
}
