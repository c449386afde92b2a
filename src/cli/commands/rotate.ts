import { type Context, localName } from '../context.ts';
import { EXIT } from '../exit.ts';

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
  if (options.dryRun === true) {
    out.results([{ uri: before.uri, currentVersion: before.currentVersion, dryRun: true }]);
    out.say(`${before.uri} would get version ${next}.`);
    return EXIT.done;
  }
  const after = await ring.rotate(name);
  const label = after.versions.find(({ version }) => version === after.currentVersion)?.label ?? next;
  out.say(`${out.strong(after.uri)} is on version ${label} now. What older versions wrapped still opens.`);
  out.say('The backup of the keyring does not hold the new version yet: waxseal key backup -o keyring.backup');
  if (options.rewrap === undefined) {
    out.results([{ uri: after.uri, previousVersion: before.currentVersion, currentVersion: after.currentVersion }]);
    out.say('Sealed objects follow when they are rewrapped: waxseal rewrap -r FOLDER');
    return EXIT.done;
  }
  const { run: rewrap } = await import('./rewrap.ts');
  return rewrap(context, options.rewrap, { ...(options.recursive === true ? { recursive: true } : {}) });
}
