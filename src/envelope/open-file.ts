import { refuseUnknownOptions, fromSystemError } from '../errors/index.ts';
import { openAtomicOutput, writeParts } from '../files/index.ts';
import { BATCH_BYTES } from './file-reading.ts';
import type { ByteStream } from './byte-stream.ts';
import { takeIn } from './intake.ts';
import type { Keys } from './keys-input.ts';
import { startObject } from './open.ts';
import { OPEN_OPTIONS, type OpenOptions, openStream, type StreamedSource, streamIn } from './open-stream.ts';
import type { ObjectInfo } from './opened-object.ts';
import { requirePath } from './path-input.ts';
import type { DetachedSource, PieceSource, SealedSource } from './source.ts';

/** Options of {@link openFile}. */
export interface OpenFileOptions extends OpenOptions {
  /** Replace an existing target; it stays as it is until the new one is complete. */
  readonly overwrite?: boolean | undefined;
}

/** What was opened. */
export interface OpenReport {
  /** What the head says, authenticated. */
  readonly info: ObjectInfo;
  /** Plaintext bytes. */
  readonly size: number;
}

/**
 * Opens a sealed file (or stream) into a file. The target appears only when all of the plaintext has been authenticated
 * and is on disk.
 *
 * @param sealed a path (the payload of a detached object is looked for beside it), a file URL, bytes, a stream, a
 * {@link SealedSource} of your own, or `{ header, payload }`
 * @param to path or file URL of where the plaintext goes
 * @throws WaxsealError as {@link open}, and `ERR_OUTPUT_EXISTS`, `ERR_FILE_NOT_FOUND`, `ERR_NOT_A_FILE`,
 * `ERR_NOT_WRITABLE`, `ERR_DISK_FULL`, `ERR_IO`; the target is then as it was
 *
 * @example
 * await openFile('model.onnx.wax', 'model.onnx', keyring.key('default'));
 */
export async function openFile(
  sealed: SealedSource | ByteStream | DetachedSource<PieceSource, ByteStream>,
  to: string | URL,
  keys: Keys,
  options: OpenFileOptions = {},
): Promise<OpenReport> {
  refuseUnknownOptions('openFile', options, [...OPEN_OPTIONS, 'overwrite']);
  const { overwrite = false, ...rest } = options;
  const target = requirePath('openFile: target', to);
  let info: ObjectInfo | undefined;
  const onInfo = (told: ObjectInfo): void => {
    info = told;
    rest.onInfo?.(told);
  };
  const plaintext = await startPlaintext(sealed, keys, { ...rest, onInfo });
  let size = 0;
  try {
    const output = await openAtomicOutput(target, { overwrite });
    try {
      let pending = Promise.resolve();
      let parts: Uint8Array[] = [];
      let length = 0;
      const flush = async (): Promise<void> => {
        await pending;
        pending = writing(target, writeParts(output.handle, parts, size));
        size += length;
        parts = [];
        length = 0;
      };
      try {
        for await (const chunk of plaintext.chunks) {
          parts.push(chunk);
          length += chunk.length;
          if (length >= BATCH_BYTES || parts.length >= MAX_PARTS) await flush();
        }
        if (parts.length > 0) await flush();
      } finally {
        // Neither committed nor closed under a write; the loop's own error goes first.
        await pending.catch(() => undefined);
      }
      await pending;
      await output.commit();
    } finally {
      await output.discard();
    }
  } finally {
    await plaintext.close();
  }
  if (info === undefined) throw new TypeError('the object was never opened');
  return { info, size };
}

/** Far below the 1,024 that one vectored write of the kernel takes. */
const MAX_PARTS = 256;

interface Plaintext {
  readonly chunks: AsyncGenerator<Uint8Array, void, undefined>;
  close(): Promise<void>;
}

async function startPlaintext(
  sealed: SealedSource | ByteStream | DetachedSource<PieceSource, ByteStream>,
  keys: Keys,
  options: OpenOptions,
): Promise<Plaintext> {
  const stream = streamIn(sealed);
  if (stream !== undefined) {
    const chunks = await takeIn(stream, options.signal, (taken) =>
      openStream(sealed as StreamedSource, taken, keys, options),
    );
    return { chunks, close: async () => void (await chunks.return()) };
  }
  const object = await startObject(sealed as SealedSource, keys, options, 'openFile');
  const { signal, onProgress } = options;
  async function* withProgress(): AsyncGenerator<Uint8Array, void, undefined> {
    let doneBytes = 0;
    for await (const chunk of object.stream(0, object.size, { signal })) {
      doneBytes += chunk.length;
      yield chunk;
      onProgress?.({ doneBytes, totalBytes: object.size });
    }
  }
  return { chunks: withProgress(), close: () => object.close() };
}

function writing(target: string, work: Promise<void>): Promise<void> {
  const named = work.catch((error: unknown) => {
    throw fromSystemError(error, 'write', target);
  });
  named.catch(() => undefined);
  return named;
}
