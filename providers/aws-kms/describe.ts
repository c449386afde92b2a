import type { KeyMetadata, RotationsListEntry } from '@aws-sdk/client-kms';
import { isWaxsealError } from '../../src/errors/index.ts';
import type { CallOptions, KeyDescription, KeyState, KeyVersion } from '../../src/keys/provider.ts';
import type { KmsCalls } from './calls.ts';

/** States of a key as a whole, where it may not be used. Enabled keys have a state for each key material. */
const KEY_STATES: Readonly<Record<string, KeyState>> = {
  Creating: 'pre-activation',
  PendingImport: 'pre-activation',
  Disabled: 'suspended',
  PendingDeletion: 'suspended',
  PendingReplicaDeletion: 'suspended',
  Unavailable: 'suspended',
};

const PROTECTION = { AWS_KMS: 'hsm', EXTERNAL: 'hsm', AWS_CLOUDHSM: 'hsm', EXTERNAL_KEY_STORE: 'external' } as const;

/** DescribeKey: the facts about a key. */
export async function keyMetadata(calls: KmsCalls, key: string, options: CallOptions): Promise<KeyMetadata> {
  const { KeyMetadata: metadata } = await calls.send('DescribeKey', options, (sdk, client, abort) =>
    client.send(new sdk.DescribeKeyCommand({ KeyId: key, ...calls.grants }), abort),
  );
  if (metadata === undefined) throw calls.malformed('it has no key metadata');
  return metadata;
}

/** What a key is, with every key material it ever had, where these credentials may list them. */
export async function describeKey(calls: KmsCalls, arn: string, options: CallOptions): Promise<KeyDescription> {
  const metadata = await keyMetadata(calls, arn, options);
  const usable = metadata.KeyState === 'Enabled' || metadata.KeyState === 'Updating';
  const current = calls.version(metadata.CurrentKeyMaterialId);
  const rotations = await keyMaterials(calls, arn, options);
  const versions = versionsOf(calls, metadata, rotations, usable);
  const dates = rotations.flatMap(({ RotationDate }) => (RotationDate === undefined ? [] : [RotationDate]));
  return {
    uri: calls.uri,
    currentVersion: usable ? current : undefined,
    versions,
    region: arn.split(':')[3],
    protectionLevel: metadata.Origin === undefined ? 'hsm' : PROTECTION[metadata.Origin],
    lastRotated: dates.length === 0 ? undefined : new Date(Math.max(...dates.map(Number))),
  };
}

/** ListKeyRotations, all pages, the oldest first; nothing where that is not allowed: it is for people only. */
async function keyMaterials(calls: KmsCalls, arn: string, options: CallOptions): Promise<RotationsListEntry[]> {
  const found: RotationsListEntry[] = [];
  let marker: string | undefined;
  let pages = 0;
  try {
    do {
      const page = await calls.send('ListKeyRotations', options, (sdk, client, abort) =>
        client.send(
          new sdk.ListKeyRotationsCommand({ KeyId: arn, IncludeKeyMaterial: 'ALL_KEY_MATERIAL', Marker: marker }),
          abort,
        ),
      );
      found.push(...(page.Rotations ?? []));
      marker = page.Truncated === true ? page.NextMarker : undefined;
      pages += 1;
    } while (marker !== undefined && found.length < MAX_MATERIALS && pages < MAX_PAGES);
  } catch (error) {
    // Multi-Region replicas and keys of custom stores have no list; and not everybody may read it.
    if (!isWaxsealError(error, 'ERR_KEY_DENIED') && !isWaxsealError(error, 'ERR_PROVIDER_UNSUPPORTED')) throw error;
  }
  return found.sort((a, b) => Number(a.RotationDate ?? 0) - Number(b.RotationDate ?? 0));
}

const MAX_MATERIALS = 10_000;
const MAX_PAGES = 200;

function versionsOf(
  calls: KmsCalls,
  metadata: KeyMetadata,
  rotations: readonly RotationsListEntry[],
  usable: boolean,
): KeyVersion[] {
  const current = calls.version(metadata.CurrentKeyMaterialId);
  const of = (version: string, created: Date | undefined, pending: boolean): Omit<KeyVersion, 'label'> => {
    const whole = usable ? undefined : (KEY_STATES[metadata.KeyState ?? ''] ?? 'suspended');
    const state = whole ?? (version === current ? 'active' : pending ? 'pre-activation' : 'deactivated');
    return { version, state, created };
  };
  const materials = rotations.flatMap(({ KeyMaterialId, RotationDate, KeyMaterialState }) =>
    KeyMaterialId === undefined
      ? []
      : [of(KeyMaterialId, RotationDate ?? metadata.CreationDate, KeyMaterialState?.startsWith('PENDING') === true)],
  );
  const known = materials.some(({ version }) => version === current);
  const all = known ? materials : [...materials, of(current, metadata.CreationDate, false)];
  return all.map((version, at) => ({ ...version, label: String(at + 1) }));
}
