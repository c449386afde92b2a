import { equalSecrets, randomPublic, randomSecret, zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import { type LocalKeyring, readKeyringInfo } from '../../keys/local/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { count } from '../output.ts';
import type { Examination } from './examination.ts';
import { failed, type Finding } from './finding.ts';

const CHECK = 'keys';
const SECRET_LENGTH = 32;

/** Authenticates every record of every key, and lets each key that may wrap do it once, and unwrap it again. */
export async function checkKeys(examination: Examination): Promise<Finding[]> {
  const { ring } = examination;
  if (ring === undefined) return [];
  const findings: Finding[] = [];
  const keys = await keysOf(ring, findings);
  if (keys.length === 0 && findings.length === 0) {
    const next = examination.command('key create local:default');
    return [{ check: CHECK, status: 'warning', message: 'the keyring has no keys', next }];
  }
  let versions = 0;
  let used = 0;
  for (const key of keys) {
    try {
      const described = await key.describe?.();
      versions += described?.versions.length ?? 0;
      if (described?.currentVersion === undefined) {
        const message = `${key.uri} has no active version: it opens what it may, and seals nothing`;
        findings.push({ check: CHECK, status: 'info', message, next: examination.command(`key show ${key.uri}`) });
        continue;
      }
      await tryOut(key);
      used++;
    } catch (error) {
      findings.push(failed(CHECK, error));
    }
  }
  const good = `${count(versions, 'key version')} authenticated; ${count(used, 'key')} wrapped and unwrapped a secret`;
  return versions === 0 ? findings : [{ check: CHECK, status: 'ok', message: good }, ...findings];
}

/** Every key. The local ones by their names: they are read when they are used, so that a damaged one hides no other. */
async function keysOf(ring: LocalKeyring, findings: Finding[]): Promise<KeyProvider[]> {
  const { names } = await readKeyringInfo(ring.folder);
  const local = names.map((name) => ring.key(name));
  try {
    const known = new Set(local.map(({ uri }) => uri));
    return [...local, ...(await ring.keys()).filter(({ uri }) => !known.has(uri))];
  } catch (error) {
    findings.push(failed(CHECK, error));
    return local;
  }
}

async function tryOut(key: KeyProvider): Promise<void> {
  const secret = randomSecret(SECRET_LENGTH);
  let back: Uint8Array | undefined;
  try {
    const binding = randomPublic(SECRET_LENGTH);
    ({ secret: back } = await key.unwrap(await key.wrap(secret, binding), binding));
    if (!equalSecrets(secret, back)) {
      throw new WaxsealError('ERR_UNVERIFIED_WRAP', `${key.uri} gave back another secret than it wrapped`, {
        object: key.uri,
      });
    }
  } finally {
    zero(secret, back);
  }
}
