import type { KeyDescription } from '../../keys/provider.ts';
import { type Context, localName } from '../context.ts';
import { EXIT } from '../exit.ts';
import { count } from '../output.ts';

export async function create(context: Context, [uri = '']: readonly string[]): Promise<number> {
  const description = await (await context.ring()).create(localName(uri));
  context.out.results([document(description)]);
  context.out.say(`Created ${context.out.strong(description.uri)}. Use it with -k ${description.uri}.`);
  context.out.say('The last backup of the keyring does not hold it: waxseal key backup -o keyring.backup');
  return EXIT.done;
}

export async function list(context: Context): Promise<number> {
  const { out } = context;
  const ring = await context.ring();
  const keys = await ring.list();
  out.results(keys.map(document));
  const width = Math.max(3, ...keys.map(({ uri }) => uri.length));
  out.say(`${'KEY'.padEnd(width)}  CURRENT  VERSIONS  LAST ROTATED`);
  for (const key of keys) {
    const current = key.versions.find(({ version }) => version === key.currentVersion)?.label ?? '-';
    out.say(
      `${key.uri.padEnd(width)}  ${current.padEnd(7)}  ${String(key.versions.length).padEnd(8)}  ${day(key.lastRotated ?? key.versions[0]?.created)}`,
    );
  }
  const backup = await ring.lastBackup();
  if (backup === undefined) out.say('\nThe keyring has never been backed up: waxseal key backup -o keyring.backup');
  else if (!backup.complete)
    out.say(`\nThe backup of ${day(backup.at)} lacks versions made since: waxseal key backup -o keyring.backup`);
  return EXIT.done;
}

export async function show(context: Context, [uri = '']: readonly string[]): Promise<number> {
  const { out } = context;
  const key = await (await context.ring()).describe(localName(uri));
  out.results([document(key)]);
  out.say(`${out.strong(key.uri)}, ${count(key.versions.length, 'version')}`);
  for (const { version, label, state, created } of key.versions) {
    const mark = version === key.currentVersion ? '  (current)' : '';
    out.say(`  ${label.padEnd(4)} ${state.padEnd(14)} ${day(created)}  ${version}${mark}`);
  }
  return EXIT.done;
}

export const disable = (context: Context, args: readonly string[], options: { keyVersion: string }): Promise<number> =>
  setState(context, args, options.keyVersion, 'suspended');

/** The newest version becomes active again; an older one goes back to opening what it wrapped, and no more. */
export async function enable(
  context: Context,
  args: readonly string[],
  options: { keyVersion: string },
): Promise<number> {
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

function document(key: KeyDescription): object {
  const { uri, currentVersion, versions, protectionLevel, lastRotated } = key;
  return { uri, currentVersion, lastRotated, protectionLevel, versions };
}

function day(date: Date | undefined): string {
  return date === undefined ? 'never' : date.toISOString().slice(0, 10);
}
