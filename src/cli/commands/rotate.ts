import { WaxsealError } from '../../errors/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import type { Context } from '../context.ts';
import { localName } from '../key-names.ts';
import { word } from '../doctor/wording.ts';
import { EXIT } from '../exit.ts';
import { requireInput } from '../paths.ts';
import { isRemote } from '../remote-keys.ts';
import { versionLabel } from '../version-label.ts';

interface Options {
  rewrap?: string[];
  recursive?: boolean;
  dryRun?: boolean;
}

export async function run(context: Context, [uri = '']: readonly string[], options: Options): Promise<number> {
  const { out } = context;
  if (isRemote(uri)) return rotateRemote(context, uri, options);
  const ring = await context.ring();
  const name = localName(uri);
  const before = await ring.describe(name);
  const next = String(before.versions.length + 1);
  // Found before anything is rotated: a typing error must not leave a version behind.
  const { expand, rewrapFiles } = await import('./rewrap.ts');
  const files = options.rewrap === undefined ? [] : await expand(options.rewrap, options.recursive === true);
  for (const file of files) await requireInput(file);
  if (options.dryRun === true) {
    out.results([{ uri: before.uri, currentVersion: before.currentVersion, dryRun: true, rewrap: files }]);
    out.say(`${before.uri} would get version ${next}.`);
    for (const file of files) out.say(`${file} would be rewrapped.`);
    return EXIT.done;
  }
  const after = await ring.rotate(name);
  const label = after.versions.find(({ version }) => version === after.currentVersion)?.label ?? next;
  out.say(`${out.strong(after.uri)} is on version ${label} now. What older versions wrapped still opens.`);
  out.say('The backup of the keyring does not hold the new version yet: waxseal key backup -o keyring.backup');
  const rotated = { uri: after.uri, previousVersion: before.currentVersion, currentVersion: after.currentVersion };
  if (options.rewrap !== undefined) return rewrapFiles(context, files, {}, [rotated]);
  out.results([rotated]);
  out.say('Sealed objects follow when they are rewrapped: waxseal rewrap -r FOLDER');
  out.say('Neither is revocation: whoever could open an object before may have kept its data key or a copy.');
  return EXIT.done;
}

/** A key of a provider: rotated there, if the provider lets us. */
async function rotateRemote(context: Context, uri: string, options: Options): Promise<number> {
  const { out, signal } = context;
  const { expand, rewrapFiles } = await import('./rewrap.ts');
  const files = options.rewrap === undefined ? [] : await expand(options.rewrap, options.recursive === true);
  for (const file of files) await requireInput(file);
  const key: KeyProvider = await context.remoteKey(uri);
  if (key.rotate === undefined || key.describe === undefined) {
    throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${key.uri} cannot be rotated from here`, { object: key.uri });
  }
  const before = await key.describe({ signal });
  if (options.dryRun === true) {
    out.results([{ uri: key.uri, currentVersion: before.currentVersion, dryRun: true, rewrap: files }]);
    out.say(
      `${key.uri} would get another version; now it is on ${versionLabel(key.uri, before.currentVersion ?? 'none')}.`,
    );
    for (const file of files) out.say(`${file} would be rewrapped.`);
    return EXIT.done;
  }
  const after = await key.rotate({ signal });
  out.say(
    `${out.strong(key.uri)} is on version ${versionLabel(key.uri, after.currentVersion ?? 'none')} now. What older versions wrapped still opens.`,
  );
  const rotated = { uri: key.uri, previousVersion: before.currentVersion, currentVersion: after.currentVersion };
  if (options.rewrap !== undefined) return rewrapFiles(context, files, { key: [uri] }, [rotated]);
  out.results([rotated]);
  out.say(`Sealed objects follow when they are rewrapped: waxseal rewrap -r FOLDER -k ${word(uri)}`);
  out.say('Neither is revocation: whoever could open an object before may have kept its data key or a copy.');
  return EXIT.done;
}
