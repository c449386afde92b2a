import { WaxsealError } from '../../errors/index.ts';
import { type KeyDescription, type KeyProvider, POLICY_ROLES } from '../../keys/provider.ts';
import type { Context } from '../context.ts';
import { word } from '../doctor/wording.ts';
import { EXIT } from '../exit.ts';
import { describeError } from '../output.ts';
import { createRemoteKey, type RemoteKey } from '../remote-keys.ts';
import { day, document } from './key-lines.ts';

/** Prints the least permissions of a role, and nothing else, for a file. */
export async function policy(
  context: Context,
  [uri = '']: readonly string[],
  { role }: { role: string },
): Promise<number> {
  const known = POLICY_ROLES.find((one) => one === role);
  if (known === undefined) throw new TypeError(`key policy: --role must be one of ${POLICY_ROLES.join(', ')}`);
  const key: KeyProvider = await context.key(uri);
  if (key.policy === undefined) {
    throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${uri} has no policies: whoever has the key may use it`, {
      object: uri,
    });
  }
  const text = key.policy(known);
  if (context.out.json) context.out.results([{ uri: key.uri, role: known, policy: text }]);
  else process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return EXIT.done;
}

export async function createRemote(context: Context, uri: string): Promise<number> {
  const { out, signal } = context;
  const key: RemoteKey = await createRemoteKey(uri, await context.config(), signal);
  try {
    const description = await key.describe?.({ signal });
    out.results([description === undefined ? { uri: key.uri } : document(description)]);
    out.say(`Created ${out.strong(key.uri)}. Use it with -k ${word(uri)}.`);
    out.say('No backup of ours holds it: the data is lost when the key is. Seal to a second key, too.');
  } finally {
    key.close();
  }
  return EXIT.done;
}

export async function describeRemote(context: Context, uri: string): Promise<KeyDescription> {
  const key: KeyProvider = await context.remoteKey(uri);
  const description = await key.describe?.({ signal: context.signal });
  if (description !== undefined) return description;
  throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${uri} does not describe itself`, { object: uri });
}

export function where({ region, protectionLevel }: KeyDescription): string {
  return `${region === undefined ? '' : `, in ${region}`}, protection ${protectionLevel}`;
}

export async function listRemote(
  context: Context,
  uris: readonly string[],
  documents: readonly object[],
): Promise<number> {
  const { out } = context;
  const width = Math.max(3, ...uris.map((uri) => uri.length));
  const found: object[] = [];
  let failed = false;
  out.say(`${'KEY OF A PROVIDER'.padEnd(width)}  VERSIONS  STATE   PROTECTION  LAST ROTATED`);
  for (const uri of uris) {
    try {
      const key = await describeRemote(context, uri);
      found.push(document(key));
      const state = key.currentVersion === undefined ? 'off' : 'active';
      out.say(
        `${uri.padEnd(width)}  ${String(key.versions.length).padEnd(8)}  ${state.padEnd(6)}  ${key.protectionLevel.padEnd(10)}  ${day(key.lastRotated ?? key.versions[0]?.created)}`,
      );
    } catch (error) {
      failed = true;
      found.push({ uri, error: describeError(error) });
      context.out.complain(error);
    }
  }
  out.results([...documents, ...found], !failed);
  return failed ? EXIT.mixed : EXIT.done;
}

export async function setRemoteState(context: Context, uri: string, version: string, state: string): Promise<number> {
  const { out, signal } = context;
  const key: KeyProvider = await context.remoteKey(uri);
  if (state !== 'suspended' || key.disableVersion === undefined) {
    throw new WaxsealError(
      'ERR_PROVIDER_UNSUPPORTED',
      `${key.uri}: single versions are not switched on or off from here`,
      {
        object: key.uri,
        next: 'use the tools of the provider',
      },
    );
  }
  await key.disableVersion(version, { signal });
  const description = await describeRemote(context, uri);
  out.results([document(description)]);
  out.say(`Version ${version} of ${key.uri} is suspended: what it wrapped cannot be opened until it is enabled again.`);
  return EXIT.done;
}
