import { equalBytes } from '../bytes/index.ts';
import { equalSecrets, zero } from '../crypto/secrets.ts';
import { type ErrorCode, isWaxsealError, refuseUnknownOptions, WaxsealError } from '../errors/index.ts';
import type { KeyProvider } from '../keys/provider.ts';
import { isSteady, slotsByPreference, type UnlockedSlot, unlockSlots } from './choose-slot.ts';
import { checkExpectations } from './expectations.ts';
import { type Head, isAttached } from './format/head.ts';
import { OBJECT_TYPE } from './format/limits.ts';
import { checkTag, entryTagKey, FLAG, type Recipient, type TagState } from './format/recipients.ts';
import { hasCleanPadding } from './format/slot.ts';
import { keyList, type Keys } from './keys-input.ts';
import type { Loaded } from './load.ts';
import { type LoadedObject, loadObject } from './load-object.ts';
import { OBJECT_OPTIONS, OpenedObject, type ObjectOptions, typeName, unlockedObject } from './opened-object.ts';
import type { OnProgress } from './progress.ts';
import { findSecondHead } from './read-head.ts';
import type { SealedSource } from './source.ts';
import { fits, unwrapRecipient } from './unlock.ts';

/** Options of {@link verify}. */
export interface VerifyOptions extends ObjectOptions {
  /** Called as the payload goes by. */
  readonly onProgress?: OnProgress | undefined;
}

/** Something that is not as a writer leaves it. */
export interface Finding {
  /** Which kind of damage: an error code. */
  readonly code: ErrorCode;
  /** `error` fails the verification; `warning` is for people to know. */
  readonly severity: 'error' | 'warning';
  /** What is wrong with which part. */
  readonly message: string;
  /** What to do next. */
  readonly next: string;
}

/** What came of one recipient entry. */
export interface VerifiedRecipient {
  /** Key URI, without a version. */
  readonly uri: string;
  /** Version of the key, as its provider calls it. */
  readonly version: string;
  /** `opened`: unwrapped to the data key; `failed`: for a key at hand, and did not; `not tried`: no key at hand. */
  readonly unwrap: 'opened' | 'failed' | 'not tried';
  /** Whether somebody who held the data key wrote the entry as it stands. */
  readonly tag: TagState;
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
 * @returns what was found; damage that `repair` can mend is a finding, not an exception
 * @throws WaxsealError when the object cannot be judged at all: as {@link open} does for heads, slots and keys
 *
 * @example
 * const { ok, findings } = await verify('model.onnx.wax', keyring.key('default'));
 * if (!ok) for (const { message, next } of findings) console.error(`${message}; ${next}`);
 */
export async function verify(source: SealedSource, keys: Keys, options: VerifyOptions = {}): Promise<VerifyReport> {
  refuseUnknownOptions('verify', options, [...OBJECT_OPTIONS, 'onProgress']);
  const providers = keyList(keys, 'verify');
  const opened = await loadObject(source, options.observe);
  const { head, lists, header } = opened;
  const name = header.name;
  try {
    if (head.core.type !== OBJECT_TYPE.data) {
      throw new WaxsealError('ERR_WRONG_TYPE', `${name} is a ${typeName(head.core.type)}`, { object: name });
    }
    checkExpectations(head, options, name);
    const unlocked = await unlockSlots(head, lists, providers, { ...options, name });
    const findings = [
      ...(await findHeadDamage(opened)),
      ...findListDamage(opened),
      ...findUnopenedSlot(opened, unlocked),
    ];
    try {
      const recipients = await verifyRecipients(head, unlocked, providers, options);
      findings.push(...findRecipientDamage(recipients, unlocked));
      const { info, state } = unlockedObject(head, unlocked, name);
      let size: number | undefined;
      try {
        size = await readPayload(await OpenedObject.start(opened, { head, state, info }), options);
      } catch (error) {
        if (!isWaxsealError(error) || !PAYLOAD_CODES.has(error.code)) throw error;
        findings.push({ code: error.code, severity: 'error', message: error.message, next: error.next });
      } finally {
        state.close();
      }
      return { ok: !findings.some((f) => f.severity === 'error'), findings, id: info.id, size, recipients };
    } finally {
      zero(unlocked.dataKey);
    }
  } finally {
    await opened.close();
  }
}

const PAYLOAD_CODES = new Set<ErrorCode>(['ERR_AUTHENTICATION', 'ERR_TRUNCATED', 'ERR_TRAILING_DATA', 'ERR_MALFORMED']);

async function readPayload(object: OpenedObject, { signal, onProgress }: VerifyOptions): Promise<number> {
  let doneBytes = 0;
  for await (const chunk of object.stream(0, object.size, { signal })) {
    doneBytes += chunk.length;
    onProgress?.({ doneBytes, totalBytes: object.size });
  }
  return doneBytes;
}

function damage(message: string, next = 'run repair'): Finding {
  return { code: 'ERR_HEADER_DAMAGED', severity: 'error', message, next };
}

async function findHeadDamage({ header, head, from, problem, interrupted }: LoadedObject): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { layout, prefixLength } = head.geometry;
  if (interrupted) {
    const message = 'a reseal was interrupted: its new header does not have its name yet';
    findings.push({ code: 'ERR_HEADER_DAMAGED', severity: 'warning', message, next: 'run repair' });
  } else if (layout === 'detached' && header.size > prefixLength) {
    const message = `the header has ${String(header.size - prefixLength)} bytes after its end`;
    findings.push({ code: 'ERR_TRAILING_DATA', severity: 'error', message, next: 'fetch the header again' });
  }
  if (problem !== undefined) findings.push(damage(`the first head is damaged: ${problem.message}`));
  if (!head.cleanPadding) findings.push(damage('the padding of the head is not zero'));
  if (from === 0 && isAttached(head)) {
    const second = await findSecondHead(header);
    if (second === undefined) findings.push(damage('the second head is damaged or missing'));
    else if (!equalBytes(second.bytes, head.bytes)) findings.push(damage('the two heads differ'));
  }
  return findings;
}

/** Slots that a reader steps over. A single block that is damaged never comes here: nothing opens without it. */
function findListDamage({ lists }: Loaded): Finding[] {
  const findings: Finding[] = [];
  lists.forEach((reading, index) => {
    const name = index === 0 ? 'A' : 'B';
    if (reading.slot === undefined) {
      findings.push(damage(`recipient slot ${name} is damaged: ${reading.problem ?? 'unknown'}`));
    } else if (lists.length > 1 && !hasCleanPadding(reading)) {
      findings.push(damage(`the padding of recipient slot ${name} is not zero`));
    }
  });
  if (findings.length === 0 && !isSteady(lists)) {
    findings.push({
      code: 'ERR_HEADER_DAMAGED',
      severity: 'warning',
      message: 'the two recipient slots differ: a rewrap was interrupted',
      next: 'run the rewrap again, or repair',
    });
  }
  return findings;
}

function findUnopenedSlot({ lists }: Loaded, { slot }: UnlockedSlot): Finding[] {
  if (slotsByPreference(lists)[0] === slot) return [];
  return [
    damage('the newest recipients do not open the object; an older list does', 'run the rewrap again, or repair'),
  ];
}

async function verifyRecipients(
  head: Head,
  unlocked: UnlockedSlot,
  keys: readonly KeyProvider[],
  options: VerifyOptions,
): Promise<VerifiedRecipient[]> {
  const tagKey = entryTagKey(unlocked.dataKey, head.bind);
  try {
    const verified: VerifiedRecipient[] = [];
    for (const entry of unlocked.slot.recipients) {
      const { uri, version } = entry;
      const unwrap = await tryUnwrap(entry, head, unlocked, keys, options);
      verified.push({ uri, version, unwrap, tag: checkTag(entry, tagKey) });
    }
    return verified;
  } finally {
    zero(tagKey);
  }
}

async function tryUnwrap(
  entry: Recipient,
  head: Head,
  unlocked: UnlockedSlot,
  keys: readonly KeyProvider[],
  options: VerifyOptions,
): Promise<VerifiedRecipient['unwrap']> {
  if (entry === unlocked.recipient) return 'opened';
  const provider = keys.find((key) => fits(entry, key));
  if (provider === undefined) return 'not tried';
  try {
    const { secret } = await unwrapRecipient(entry, provider, head, options);
    const same = equalSecrets(secret, unlocked.dataKey);
    zero(secret);
    return same ? 'opened' : 'failed';
  } catch (error) {
    if (!isWaxsealError(error) || error.code === 'ERR_VETOED' || error.code === 'ERR_OBSERVER') throw error;
    return 'failed';
  }
}

function findRecipientDamage(recipients: readonly VerifiedRecipient[], { slot }: UnlockedSlot): Finding[] {
  const findings: Finding[] = [];
  recipients.forEach(({ uri, version, unwrap, tag }, index) => {
    const who = `the recipient ${uri} version ${version}`;
    const blind = ((slot.recipients[index]?.flags ?? 0) & FLAG.blind) !== 0;
    if (unwrap === 'failed') {
      findings.push({
        code: 'ERR_AUTHENTICATION',
        severity: 'error',
        message: `${who} does not open the object`,
        next: 'remove it and add it again, while another recipient still opens the object',
      });
    }
    if (tag === 'invalid') {
      findings.push({
        code: 'ERR_AUTHENTICATION',
        severity: 'error',
        message: `${who} was changed, or was added by somebody who does not hold the data key`,
        next: 'remove it and add it again, while another recipient still opens the object',
      });
    }
    if (tag === 'missing' && (recipients.length > 1 || blind)) {
      findings.push({
        code: 'ERR_AUTHENTICATION',
        severity: 'warning',
        message: `${who} has no tag: only its own key can tell whether it opens the object`,
        next: 'rewrap with that key at hand',
      });
    }
  });
  return findings;
}
