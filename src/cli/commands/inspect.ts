import { inspect, type InspectedRecipient, type Inspection } from '../../envelope/index.ts';
import type { Context } from '../context.ts';
import { forEachPath } from '../each.ts';
import { formatBytes, printable } from '../output.ts';

type Checked = InspectedRecipient & { readonly status?: 'current' | 'stale' | 'unknown' };

export async function run(context: Context, paths: readonly string[], options: { check?: boolean }): Promise<number> {
  const current = options.check === true ? await currentVersions(context) : undefined;
  return forEachPath(context, paths, async (path) => {
    const inspection = await inspect(path === '-' ? process.stdin : path, { signal: context.signal });
    const recipients = inspection.recipients.map((recipient) => checked(recipient, current));
    show(context, path, inspection, recipients);
    return { ...inspection, authenticated: false, recipients };
  });
}

async function currentVersions(context: Context): Promise<ReadonlyMap<string, string | undefined>> {
  const keys = await (await context.ring()).list();
  return new Map(keys.map(({ uri, currentVersion }) => [uri, currentVersion]));
}

function checked(recipient: InspectedRecipient, current: ReadonlyMap<string, string | undefined> | undefined): Checked {
  if (current === undefined) return recipient;
  if (!current.has(recipient.uri)) return { ...recipient, status: 'unknown' };
  return { ...recipient, status: current.get(recipient.uri) === recipient.version ? 'current' : 'stale' };
}

function show({ out }: Context, path: string, object: Inspection, recipients: readonly Checked[]): void {
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
  for (const { uri, version, status, wrappedAt, supported } of recipients) {
    const label = uri.startsWith('local:') ? (version.split('.')[0] ?? version) : version;
    const since = wrappedAt === undefined ? '' : `, wrapped ${wrappedAt.toISOString().slice(0, 10)}`;
    const notes = [
      status === undefined ? '' : `, ${status === 'unknown' ? 'not one of the keys at hand' : status}`,
      supported ? '' : ', of a kind that this version does not know',
    ];
    out.say(`  ${'recipient'.padEnd(12)}${printable(uri)} version ${printable(label)}${since}${notes.join('')}`);
  }
  if (recipients.some(({ status }) => status === 'stale')) out.say(`  next: waxseal rewrap ${path}`);
  for (const warning of object.warnings) out.warn(`${path}: ${warning}`);
}
