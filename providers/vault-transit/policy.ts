import type { PolicyRole } from '../../src/keys/provider.ts';

type Line = readonly [path: string, capability: 'read' | 'update'];

const LINES: Readonly<Record<PolicyRole, (key: string) => readonly Line[]>> = {
  sealer: (key) => [
    [`keys/${key}`, 'read'],
    [`datakey/plaintext/${key}`, 'update'],
    [`encrypt/${key}`, 'update'],
    [`decrypt/${key}`, 'update'],
  ],
  opener: (key) => [
    [`keys/${key}`, 'read'],
    [`decrypt/${key}`, 'update'],
  ],
  'blind-rewrapper': (key) => [
    [`keys/${key}`, 'read'],
    [`rewrap/${key}`, 'update'],
  ],
  rotator: (key) => [
    [`keys/${key}`, 'read'],
    [`keys/${key}/rotate`, 'update'],
  ],
};

/** The least policy for a role, in HCL. `encrypt` never gets `create`, which would make keys that are not derived. */
export function transitPolicy(role: PolicyRole, mount: string, key: string): string {
  return LINES[role](key)
    .map(([path, capability]) => `path "${mount}/${path}" {\n  capabilities = ["${capability}"]\n}\n`)
    .join('\n');
}
