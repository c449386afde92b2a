import { type Context, localName } from '../context.ts';
import { EXIT } from '../exit.ts';
import { requireInput } from '../paths.ts';

interface Options {
  rewrap?: string[];
  recursive?: boolean;
  dryRun?: boolean;
}

export async function run(context: Context, [uri = '']: readonly string[], options: Options): Promise<number> {
  const { out } = context;
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
