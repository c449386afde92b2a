import { zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import type { LocalX25519Key } from '../../keys/local/index.ts';
import { readPrivateFile } from '../../keys/local/private-files.ts';
import { isLocalName } from '../../keys/uri.ts';
import { publicUriFromPem } from '../../keys/x25519/pem.ts';
import type { Context } from '../context.ts';
import { localName, pairName } from '../key-names.ts';
import { EXIT } from '../exit.ts';
import { count } from '../output.ts';
import { isRemote } from '../remote-keys.ts';
import { day, document } from './key-lines.ts';
import { createRemote, describeRemote, listRemote, setRemoteState, where } from './remote-keys.ts';

const NOT_IN_BACKUP = 'The last backup of the keyring does not hold it: waxseal key backup -o keyring.backup';

export async function create(
  context: Context,
  [uri = '']: readonly string[],
  options: { x25519?: boolean },
): Promise<number> {
  if (options.x25519 === true) return createPair(context, uri);
  if (isRemote(uri)) return createRemote(context, uri);
  const description = await (await context.ring()).create(localName(uri));
  context.out.results([document(description)]);
  context.out.say(`Created ${context.out.strong(description.uri)}. Use it with -k ${description.uri}.`);
  context.out.say(NOT_IN_BACKUP);
  return EXIT.done;
}

async function createPair(context: Context, name: string): Promise<number> {
  const { out } = context;
  const pair = await (await context.ring()).createX25519(pairName(name));
  out.results([await pairDocument(pair)]);
  out.say(`Created the key pair ${out.strong(pair.name)}. Its public key, which everybody may know:`);
  sayPublicKey(context, pair);
  return EXIT.done;
}

/** Takes in a private key from a PEM file that nobody else can read. */
export async function importPair(
  context: Context,
  [file = '']: readonly string[],
  options: { name: string },
): Promise<number> {
  const { out } = context;
  const name = pairName(options.name);
  const pem = await readPem(file);
  let pair: LocalX25519Key;
  try {
    pair = await (await context.ring()).importX25519(name, pem);
  } catch (error) {
    if (!isWaxsealError(error, 'ERR_USAGE')) throw error;
    throw new WaxsealError('ERR_USAGE', `${file}: ${error.message}`, { object: file, next: error.next, cause: error });
  } finally {
    zero(pem);
  }
  out.results([await pairDocument(pair)]);
  out.say(`Took in the key pair ${out.strong(pair.name)}. Its public key, which everybody may know:`);
  sayPublicKey(context, pair);
  out.say(`${file} still holds the private key: delete it.`);
  return EXIT.done;
}

const MAX_PEM_BYTES = 16 * 1024;

/** A public key may lie open, and is told as what it is; everything else must be readable by its owner alone. */
async function readPem(file: string): Promise<Uint8Array> {
  const read = (isPrivate: boolean): Promise<Uint8Array | undefined> =>
    readPrivateFile(file, { maxBytes: MAX_PEM_BYTES, followLinks: true, private: isPrivate });
  let pem: Uint8Array | undefined;
  try {
    pem = await read(true);
  } catch (error) {
    if (isWaxsealError(error, 'ERR_KEYRING_DAMAGED')) throw notPem(file, error);
    if (!isWaxsealError(error, 'ERR_KEYRING_PERMISSIONS')) throw error;
    const open = await read(false);
    if (open !== undefined && publicUriFromPem(open) !== undefined) return open;
    zero(open);
    const next = `${error.next}; others may have read this key: a new one is safer`;
    throw new WaxsealError(error.code, error.message, { object: file, next, cause: error });
  }
  if (pem === undefined) throw new WaxsealError('ERR_FILE_NOT_FOUND', `there is no file ${file}`, { object: file });
  return pem;
}

function notPem(file: string, cause: unknown): WaxsealError {
  return new WaxsealError('ERR_USAGE', `${file} is no PEM file of a private key`, { object: file, cause });
}

/** Prints the URI and nothing else, for `$(…)`. */
export async function exportPublic(context: Context, [name = '']: readonly string[]): Promise<number> {
  const pair = await context.pair(name);
  if (context.out.json) context.out.results([await pairDocument(pair)]);
  else process.stdout.write(`${pair.uri}\n`);
  return EXIT.done;
}

export async function list(context: Context): Promise<number> {
  const { out } = context;
  const { keys: uris = [], defaultKey } = await context.config();
  const remote = [...new Set([...uris, ...(defaultKey !== undefined && isRemote(defaultKey) ? [defaultKey] : [])])];
  if (remote.length > 0 && !(await context.hasKeyring())) return listRemote(context, remote, []);
  const ring = await context.ring();
  const pairs = await ring.x25519Keys();
  const isPair = new Set(pairs.map(({ uri }) => uri));
  const keys = (await ring.list()).filter(({ uri }) => !isPair.has(uri));
  const documents = [...keys.map(document), ...(await Promise.all(pairs.map(pairDocument)))];
  if (remote.length === 0) out.results(documents);
  const width = Math.max(3, ...keys.map(({ uri }) => uri.length));
  out.say(`${'KEY'.padEnd(width)}  CURRENT  VERSIONS  LAST ROTATED`);
  for (const key of keys) {
    const current = key.versions.find(({ version }) => version === key.currentVersion)?.label ?? '-';
    out.say(
      `${key.uri.padEnd(width)}  ${current.padEnd(7)}  ${String(key.versions.length).padEnd(8)}  ${day(key.lastRotated ?? key.versions[0]?.created)}`,
    );
  }
  await listPairs(context, pairs);
  const backup = await ring.lastBackup();
  if (backup === undefined) out.say('\nThe keyring has never been backed up: waxseal key backup -o keyring.backup');
  else if (!backup.complete)
    out.say(`\nThe backup of ${day(backup.at)} lacks versions made since: waxseal key backup -o keyring.backup`);
  if (remote.length === 0) return EXIT.done;
  out.say();
  return listRemote(context, remote, documents);
}

export async function show(context: Context, [uri = '']: readonly string[]): Promise<number> {
  const { out } = context;
  if (uri.startsWith('x25519:') || isLocalName(uri)) return showPair(context, uri);
  const key = isRemote(uri)
    ? await describeRemote(context, uri)
    : await (await context.ring()).describe(localName(uri));
  out.results([document(key)]);
  out.say(`${out.strong(key.uri)}, ${count(key.versions.length, 'version')}${isRemote(uri) ? where(key) : ''}`);
  for (const { version, label, state, created } of key.versions) {
    const mark = version === key.currentVersion ? '  (current)' : '';
    out.say(`  ${label.padEnd(4)} ${state.padEnd(14)} ${day(created)}  ${version}${mark}`);
  }
  return EXIT.done;
}

async function showPair(context: Context, name: string): Promise<number> {
  const { out } = context;
  const pair = await context.pair(name).catch((error: unknown) => {
    if (!isWaxsealError(error, 'ERR_KEY_NOT_FOUND') || !isLocalName(name)) throw error;
    const next = `see what exists with key list; a local key is shown by its URI: waxseal key show local:${name}`;
    throw new WaxsealError(error.code, error.message, { object: name, next, cause: error });
  });
  out.results([await pairDocument(pair)]);
  out.say(`${out.strong(pair.name)}, a key pair made ${day((await pair.describe()).versions[0]?.created)}`);
  sayPublicKey(context, pair, false);
  return EXIT.done;
}

function sayPublicKey({ out }: Context, { uri }: LocalX25519Key, isNew = true): void {
  out.say(`  ${uri}`);
  out.say(
    'Whoever has it can seal with -k and this URI, without a keyring. The private key never leaves this keyring,',
  );
  out.say('except inside a backup of it. A wrap to a public key proves nothing about who sealed.');
  if (isNew) out.say(NOT_IN_BACKUP);
}

async function listPairs({ out }: Context, pairs: readonly LocalX25519Key[]): Promise<void> {
  if (pairs.length === 0) return;
  const width = Math.max(8, ...pairs.map(({ name }) => name.length));
  out.say(`\n${'KEY PAIR'.padEnd(width)}  MADE        PUBLIC KEY`);
  for (const pair of pairs) {
    const { versions } = await pair.describe();
    out.say(`${pair.name.padEnd(width)}  ${day(versions[0]?.created)}  ${pair.uri}`);
  }
}

export const disable = (context: Context, args: readonly string[], options: { keyVersion: string }): Promise<number> =>
  setState(context, args, options.keyVersion, 'suspended');

/** The newest version becomes active again; an older one goes back to opening what it wrapped, and no more. */
export async function enable(
  context: Context,
  args: readonly string[],
  options: { keyVersion: string },
): Promise<number> {
  if (isRemote(args[0] ?? '')) return setState(context, args, options.keyVersion, 'active');
  const { versions } = await (await context.ring()).describe(localName(args[0] ?? ''));
  const newest = versions.at(-1);
  const isNewest = newest?.version === options.keyVersion || newest?.label === options.keyVersion;
  return setState(context, args, options.keyVersion, isNewest ? 'active' : 'deactivated');
}

async function setState(
  context: Context,
  [uri = '']: readonly string[],
  version: string,
  state: 'suspended' | 'active' | 'deactivated',
): Promise<number> {
  if (isRemote(uri)) return setRemoteState(context, uri, version, state);
  const key = await (await context.ring()).setState(localName(uri), version, state);
  context.out.results([document(key)]);
  const consequence = {
    suspended: 'what it wrapped cannot be opened until it is enabled again',
    active: 'it wraps and opens again',
    deactivated: 'it opens what it wrapped, and wraps nothing new',
  }[state];
  context.out.say(`Version ${version} of ${key.uri} is ${state}: ${consequence}.`);
  return EXIT.done;
}

async function pairDocument(pair: LocalX25519Key): Promise<object> {
  return { name: pair.name, ...document(await pair.describe()) };
}
