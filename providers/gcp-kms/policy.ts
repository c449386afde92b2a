import { WaxsealError } from '../../src/errors/index.ts';
import type { PolicyRole } from '../../src/keys/provider.ts';

const PERMISSIONS: Readonly<Record<Exclude<PolicyRole, 'blind-rewrapper'>, readonly string[]>> = {
  sealer: [
    'cloudkms.cryptoKeyVersions.useToEncrypt',
    'cloudkms.cryptoKeyVersions.useToDecrypt',
    'cloudkms.cryptoKeys.get',
    'cloudkms.cryptoKeyVersions.list',
  ],
  opener: ['cloudkms.cryptoKeyVersions.useToDecrypt'],
  rotator: [
    'cloudkms.cryptoKeys.get',
    'cloudkms.cryptoKeys.update',
    'cloudkms.cryptoKeyVersions.create',
    'cloudkms.cryptoKeyVersions.get',
    'cloudkms.cryptoKeyVersions.list',
  ],
};

/**
 * A custom role with the least permissions, for `gcloud iam roles create --file`, and in its comments how it is granted on
 * the key alone.
 *
 * @throws WaxsealError `ERR_PROVIDER_UNSUPPORTED` for blind rewraps, which Cloud KMS cannot do
 * @see https://cloud.google.com/kms/docs/reference/permissions-and-roles
 */
export function customRole(role: PolicyRole, key: string, uri: string): string {
  if (role === 'blind-rewrapper') {
    throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', 'Cloud KMS cannot rewrap inside: it decrypts, or it encrypts', {
      object: uri,
      next: 'rewrap with the permissions of a sealer',
    });
  }
  const [, project, , location, , ring, , name] = key.split('/');
  const id = `waxseal${role[0]?.toUpperCase() ?? ''}${role.slice(1)}`;
  return [
    `# gcloud iam roles create ${id} --project ${String(project)} --file THIS-FILE`,
    `# gcloud kms keys add-iam-policy-binding ${String(name)} --keyring ${String(ring)} --location ${String(location)} \\`,
    `#   --project ${String(project)} --role projects/${String(project)}/roles/${id} --member serviceAccount:WHO`,
    `title: Waxseal ${role}`,
    `description: The least that a ${role} of Waxseal needs on a key`,
    'stage: GA',
    'includedPermissions:',
    ...PERMISSIONS[role].map((permission) => `- ${permission}`),
    '',
  ].join('\n');
}
