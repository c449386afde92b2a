import { zero } from '../../crypto/secrets.ts';
import { type ErrorCode, isWaxsealError, refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import { unlockSlots } from '../choose-slot.ts';
import { checkExpectations } from '../expectations.ts';
import { OBJECT_TYPE } from '../format/limits.ts';
import type { ByteStream } from '../byte-stream.ts';
import { takeIn } from '../intake.ts';
import { keyList, type Keys } from '../keys-input.ts';
import { loadObject } from '../load-object.ts';
import { loadStream, plaintextOf, type StreamedSource, streamIn } from '../open-stream.ts';
import {
  OBJECT_OPTIONS,
  OpenedObject,
  type ObjectOptions,
  typeName,
  type UnlockedObject,
  unlockedObject,
} from '../opened-object.ts';
import type { OnProgress } from '../progress.ts';
import { type DetachedSource, type PieceSource, requireSource, type SealedSource } from '../source.ts';
import { type Finding, findHeadDamage, findListDamage, findUnopenedSlot, type ReadHead } from './damage.ts';
import { findRecipientDamage, type VerifiedRecipient, verifyRecipients } from './recipients.ts';

/** Options of {@link verify}. */
export interface VerifyOptions extends ObjectOptions {
  /** Called as the payload goes by. */
  readonly onProgress?: OnProgress | undefined;
}

/** What a verification found. */
export interface VerifyReport {
  /** True when there is no finding of severity `error`. */
  readonly ok: boolean;
  /** Everything that is wrong or worth knowing; empty when all is well. */
  readonly findings: readonly Finding[];
  /** Id of the object, 32 hexadecimal digits. */
  readonly id: string;
  /** Authenticated plaintext bytes; undefined when the payload does not authenticate. */
  readonly size: number | undefined;
  /** One for each recipient entry. */
  readonly recipients: readonly VerifiedRecipient[];
}

/**
 * Authenticates everything in a sealed object and writes nothing: both heads, both slots, every recipient entry, private
 * metadata, every segment, and the size. Entries of keys at hand are unwrapped, all others are checked by their tags, so
 * that a rotten recovery wrap is found before the disaster.
 *
 * @param source a path (the payload of a detached object is looked for beside it), a file URL, bytes, a Blob, a stream
 * (which is consumed), a {@link SealedSource} of your own, or `{ header, payload }`
 * @returns what was found; damage that `repair` can mend is a finding, not an exception
 * @throws WaxsealError when the object cannot be judged at all: as {@link open} does for heads, slots and keys
 *
 * @example
 * const { ok, findings } = await verify('model.onnx.wax', keyring.key('default'));
 * if (!ok) for (const { message, next } of findings) console.error(`${message}; ${next}`);
 */
export async function verify(
  source: SealedSource | ByteStream | DetachedSource<PieceSource, ByteStream>,
  keys: Keys,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  refuseUnknownOptions('verify', options, [...OBJECT_OPTIONS, 'onProgress']);
  const providers = keyList(keys, 'verify');
  const subject = await subjectOf(source, options);
  const { head, lists, header } = subject.read;
  const { name } = header;
  try {
    if (head.core.type !== OBJECT_TYPE.data) {
      throw new WaxsealError('ERR_WRONG_TYPE', `${name} is a ${typeName(head.core.type)}`, { object: name });
    }
    checkExpectations(head, options, name);
    const unlocked = await unlockSlots(head, lists, providers, { ...options, name });
    try {
      const findings = [
        ...(await findHeadDamage(subject.read)),
        ...findListDamage(subject.read),
        ...findUnopenedSlot(subject.read, unlocked),
      ];
      const recipients = await verifyRecipients(head, unlocked, providers, options);
      findings.push(...findRecipientDamage(recipients, unlocked));
      const object = unlockedObject(head, unlocked, name);
      let size: number | undefined;
      try {
        size = await lengthOf(await subject.plaintext(object));
      } catch (error) {
        if (!isWaxsealError(error) || !PAYLOAD_CODES.has(error.code)) throw error;
        findings.push({ code: error.code, severity: 'error', message: error.message, next: error.next });
      } finally {
        object.state.close();
      }
      const { id } = object.info;
      return { ok: !findings.some((f) => f.severity === 'error'), findings, id, size, recipients };
    } finally {
      zero(unlocked.dataKey);
    }
  } finally {
    await subject.close();
  }
}

/** What is verified: something that can be read anywhere, or a stream as it comes. */
interface Subject {
  readonly read: ReadHead;
  plaintext(object: UnlockedObject): Promise<AsyncGenerator<Uint8Array, void, undefined>>;
  close(): Promise<void>;
}

async function subjectOf(
  source: SealedSource | ByteStream | DetachedSource<PieceSource, ByteStream>,
  { observe, signal, onProgress }: VerifyOptions,
): Promise<Subject> {
  const stream = streamIn(source);
  if (stream !== undefined) {
    const streamed = await takeIn(stream, signal, (chunks) => loadStream(source as StreamedSource, chunks, observe));
    return {
      read: { ...streamed.loaded, header: streamed.header, interrupted: false },
      plaintext: (object) => Promise.resolve(plaintextOf(object, streamed, { signal, onProgress })),
      close: async () => void (await streamed.chunks.return()),
    };
  }
  requireSource('verify', source);
  const loaded = await loadObject(source as SealedSource, observe);
  return {
    read: loaded,
    plaintext: async (object) => watched(await OpenedObject.start(loaded, object), onProgress, signal),
    close: () => loaded.close(),
  };
}

async function* watched(
  object: OpenedObject,
  onProgress: OnProgress | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let doneBytes = 0;
  for await (const chunk of object.stream(0, object.size, { signal })) {
    doneBytes += chunk.length;
    yield chunk;
    onProgress?.({ doneBytes, totalBytes: object.size });
  }
}

async function lengthOf(plaintext: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of plaintext) length += chunk.length;
  return length;
}

const PAYLOAD_CODES = new Set<ErrorCode>(['ERR_AUTHENTICATION', 'ERR_TRUNCATED', 'ERR_TRAILING_DATA', 'ERR_MALFORMED']);
