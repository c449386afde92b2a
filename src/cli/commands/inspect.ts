import { inspect, type InspectedRecipient, type Inspection } from '../../envelope/index.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import type { Context } from '../context.ts';
import { forEachPath } from '../each.ts';
import { formatBytes, printable } from '../output.ts';
import { versionLabel } from '../version-label.ts';
import { word } from '../doctor/wording.ts';

type Checked = InspectedRecipient & { readonly status?: 'current' | 'stale' | 'unknown' };

export async function run(
  context: Context,
  paths: readonly string[],
  options: { check?: boolean; key?: string[] },
): Promise<number> {
  if (options.key !== undefined && options.check !== true) throw new TypeError('inspect: -k goes with --check');
  const keys = options.check === true ? await context.allKeys(options.key) : undefined;
  const current = new Map<KeyProvider, Promise<string | undefined>>();
  return forEachPath(context, paths, async (path) => {
    const inspection = await inspect(path === '-' ? process.stdin : path, { signal: context.signal });
    const recipients: Checked[] = [];
    for (const recipient of inspection.recipients) {
      recipients.push(keys === undefined ? recipient : await checked(recipient, keys, current, context.signal));
    }
    show(context, path, inspection, recipients, options.key ?? []);
    return { ...inspection, authenticated: false, recipients };
  });
}

async function checked(
  recipient: InspectedRecipient,
  keys: readonly KeyProvider[],
  current: Map<KeyProvider, Promise<string | undefined>>,
  signal: AbortSignal,
): Promise<Checked> {
  const key = keys.find(({ uri }) => uri === recipient.uri) ?? keys.find((one) => one.accepts?.(recipient.uri));
  if (key?.describe === undefined) return { ...recipient, status: 'unknown' };
  let version = current.get(key);
  if (version === undefined) {
    version = key.describe({ signal }).then(({ currentVersion }) => currentVersion);
    current.set(key, version);
  }
  return { ...recipient, status: (await version) === recipient.version ? 'current' : 'stale' };
}

function show(
  { out }: Context,
  path: string,
  object: Inspection,
  recipients: readonly Checked[],
  keys: readonly string[],
): void {
  const facts: [string, string][] = [
    ['object', object.id],
    ['type', `${object.type}, ${object.layout} layout, format version ${String(object.formatVersion)}`],
    ['created', object.created.toISOString()],
    ['size', object.size === undefined ? 'not recorded' : `${formatBytes(object.size)} (${String(object.size)} bytes)`],
    [
      object.layout === 'detached' ? 'header' : 'sealed size',
      `${object.sealedSize === undefined ? 'a stream' : formatBytes(object.sealedSize)}, segments of ${formatBytes(object.segmentLength)}`,
    ],
    [
      'recipients',
      `${object.lists}${object.generation === undefined ? '' : `, generation ${String(object.generation)}`}`,
    ],
  ];
  out.say(`${out.strong(path)}: what its head says (nothing of this has been authenticated: verify does that)`);
  for (const [name, value] of facts) out.say(`  ${name.padEnd(12)}${value}`);
  for (const [name, value] of Object.entries(object.context))
    out.say(`  ${'context'.padEnd(12)}${printable(name)}=${printable(value)}`);
  if (object.hasPrivateMetadata) out.say(`  ${'metadata'.padEnd(12)}private, encrypted`);
  for (const { uri, version, status, wrappedAt, supported, blind, retiring, share } of recipients) {
    const label = versionLabel(uri, version);
    const since = wrappedAt === undefined ? '' : `, wrapped ${wrappedAt.toISOString().slice(0, 10)}`;
    const notes = [
      share === undefined
        ? ''
        : `, custodian ${String(share.index)} of ${String(share.custodians)}, of whom ${String(share.threshold)} open together`,
      status === undefined ? '' : `, ${status === 'unknown' ? 'not one of the keys at hand' : status}`,
      blind
        ? ', made by its provider and not confirmed yet'
        : retiring
          ? ', kept until its successor is confirmed'
          : '',
      supported ? '' : ', of a kind that this version does not know',
    ];
    out.say(`  ${'recipient'.padEnd(12)}${printable(uri)} version ${printable(label)}${since}${notes.join('')}`);
  }
  if (recipients.some(({ status }) => status === 'stale')) {
    out.say(`  next: waxseal rewrap ${[path, ...keys.flatMap((key) => ['-k', key])].map(word).join(' ')}`);
  }
  for (const warning of object.warnings) out.warn(`${path}: ${warning}`);
}
