import type { FileHandle } from 'node:fs/promises';
import { refuseUnknownOptions, WaxsealError } from '../errors/index.ts';
import { observed } from '../keys/observer.ts';
import { payloadPathOf } from './detached.ts';
import { type Layout, requireLayout } from './format/layout.ts';
import { type ByteStream, isByteStream } from './byte-stream.ts';
import { Intake } from './intake.ts';
import { type Keys, targetList } from './keys-input.ts';
import { newObject } from './new-object.ts';
import { openOutputs } from './outputs.ts';
import { requirePath } from './path-input.ts';
import { SEAL_OPTIONS, type SealOptions } from './seal.ts';
import { fileSource, type OpenSource } from './source.ts';
import { writeSegments, writeStream } from './write-payload.ts';

/** Options of {@link sealFile}. */
export interface SealFileOptions extends SealOptions {
  /** Replace an existing target; it stays as it is until the new one is complete. */
  readonly overwrite?: boolean | undefined;
  /** Where the payload of a detached object goes; beside the header by default (`x.wax`, `x.floe`). */
  readonly payload?: string | undefined;
}

/** A key that can open what was sealed. */
export interface SealedTo {
  /** Key URI, without a version. */
  readonly uri: string;
  /** Version of the key that wrapped the data key, as its provider calls it. */
  readonly version: string;
}

/** What was written. */
export interface SealReport {
  /** 32 hexadecimal digits; give it to `expectId` when opening. */
  readonly id: string;
  /** Plaintext bytes. */
  readonly size: number;
  /** Bytes of the sealed object; of a detached one, header and payload together. */
  readonly sealedSize: number;
  /** Where its parts stand. */
  readonly layout: Layout;
  /** Where the payload of a detached object is. */
  readonly payload: string | undefined;
  /** Who can open it. */
  readonly recipients: readonly SealedTo[];
}

/**
 * Seals a file (or a stream) into a file. The target appears only when it is complete and on disk. A source that
 * changes while it is read is refused, because what was sealed would be a state that it never had.
 *
 * @param source a path, a file URL, or a stream
 * @param to path or file URL of the sealed file, `.wax` by convention; the header of a detached object
 * @throws WaxsealError as {@link seal}, and `ERR_OUTPUT_EXISTS`, `ERR_INPUT_CHANGED`, `ERR_FILE_NOT_FOUND`,
 * `ERR_NOT_A_FILE`, `ERR_NOT_WRITABLE`, `ERR_DISK_FULL`, `ERR_IO`; the target is then as it was
 *
 * @example
 * await sealFile('model.onnx', 'model.onnx.wax', keyring.key('default'));
 */
export async function sealFile(
  source: string | URL | ByteStream,
  to: string | URL,
  keys: Keys,
  options: SealFileOptions = {},
): Promise<SealReport> {
  refuseUnknownOptions('sealFile', options, [...SEAL_OPTIONS, 'overwrite', 'payload']);
  const providers = targetList(keys, 'sealFile');
  const target = requirePath('sealFile: target', to);
  const { overwrite = false, payload, ...sealOptions } = options;
  const layout = requireLayout(options.layout);
  if (payload !== undefined && layout !== 'detached')
    throw new TypeError('sealFile: payload goes with the detached layout');
  const input = await inputOf(source, options.signal);
  const isStream = input instanceof Intake;
  try {
    const size = isStream ? sealOptions.size : input.size;
    if (sealOptions.size !== undefined && sealOptions.size !== size) {
      throw new WaxsealError(
        'ERR_SIZE_MISMATCH',
        `${isStream ? 'the input' : input.name} has ${String(size)} bytes, not ${String(sealOptions.size)}`,
      );
    }
    const outputs = await openOutputs(target, layout === 'detached' ? (payload ?? payloadPathOf(target)) : undefined, {
      overwrite,
    });
    try {
      const facts = { path: target, context: sealOptions.context, bytes: size };
      const report = await observed(
        sealOptions.observe,
        'seal',
        facts,
        async () => {
          const object = await newObject(providers, { ...sealOptions, size });
          const written =
            input instanceof Intake
              ? await writeStream(input, object, outputs.body, sealOptions, outputs.bodyPath)
              : await writeSegments(input, object, outputs.body, sealOptions, outputs.bodyPath);
          // Made durable and visible before it is reported as sealed.
          await outputs.commit(object.header);
          const sealedSize = written.sealedSize + (object.header?.length ?? 0);
          const recipients = object.recipients.map(({ uri, version }) => ({ uri, version }));
          return { id: object.id, ...written, sealedSize, layout, payload: outputs.payload, recipients };
        },
        (done) => ({ objectId: done.id, bytes: done.size }),
      );
      return report;
    } finally {
      await outputs.discard();
    }
  } finally {
    await (isStream ? input.return() : input.close());
  }
}

async function inputOf(
  source: string | URL | ByteStream,
  signal: AbortSignal | undefined,
): Promise<Intake | (OpenSource & { readonly handle: FileHandle })> {
  if (typeof source === 'string' || source instanceof URL) return fileSource(source);
  if (isByteStream(source)) return new Intake(source, signal);
  throw new TypeError('sealFile: the source must be a path, a file URL or a stream; for bytes use seal');
}
