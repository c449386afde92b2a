import { join } from 'node:path';
import { createPkcs11Key } from '../../../providers/pkcs11/index.ts';
import { vaultTransit } from '../../../providers/vault-transit/index.ts';
import { createLocalKeyring } from '../../../src/keys/local/index.ts';
import type { KeyProvider } from '../../../src/keys/provider.ts';
import { gcpKms } from '../../../providers/gcp-kms/index.ts';
import { type GcpKms, hasGcpKms, startGcpKms } from '../../servers/gcp-kms.ts';
import { hasMoto, type Moto, startMoto } from '../../servers/moto.ts';
import { hasOpenBao, type OpenBao, startOpenBao } from '../../servers/openbao.ts';
import { hasSoftHsm, makeSoftHsm, type SoftHsm } from '../../servers/softhsm.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { freshKey } from '../aws-kms/support.ts';

/** Whether all servers of the comparison of providers are here. */
export const hasAllServers = (): boolean => hasMoto() && hasGcpKms() && hasOpenBao() && hasSoftHsm();

/** A key that can be closed and rotated. */
export type TestKey = KeyProvider & { close?(): void };

/** All servers, and fresh keys of each. */
export interface Servers {
  readonly moto: Moto;
  readonly gcp: GcpKms;
  readonly bao: OpenBao;
  readonly hsm: SoftHsm;
  /** A fresh key of the kind. */
  key(kind: Kind): Promise<TestKey>;
  stop(): Promise<void>;
}

export const KINDS = [
  'local',
  'aws-kms',
  'gcp-kms',
  'transit',
  'pkcs11 aes-gcm',
  'pkcs11 aes-kwp',
  'pkcs11 rsa-oaep',
] as const;
export type Kind = (typeof KINDS)[number];

export async function startServers(): Promise<Servers> {
  const [moto, gcp, bao] = await Promise.all([startMoto(), startGcpKms(), startOpenBao()]);
  const hsm = makeSoftHsm();
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-servers-'));
  const ring = await createLocalKeyring(join(folder, 'ring'), { keyFile: join(folder, 'key') });
  const opened: TestKey[] = [];
  let counter = 0;
  const make = async (kind: Kind): Promise<TestKey> => {
    counter += 1;
    const { token, library, pin } = hsm;
    const object = `key ${String(counter)}`;
    switch (kind) {
      case 'local': {
        const name = `key-${String(counter)}`;
        await ring.create(name);
        return ring.key(name);
      }
      case 'aws-kms':
        return freshKey(moto);
      case 'gcp-kms':
        return gcpKms({ key: await gcp.createKey(), endpoint: gcp.endpoint });
      case 'transit':
        return vaultTransit({ key: await bao.createKey(), address: bao.address, token: bao.rootToken });
      case 'pkcs11 aes-gcm':
        return createPkcs11Key({ token, library, pin, object, mechanism: 'aes-gcm' });
      case 'pkcs11 aes-kwp':
        return createPkcs11Key({ token, library, pin, object, mechanism: 'aes-kwp' });
      case 'pkcs11 rsa-oaep':
        return createPkcs11Key({ token, library, pin, object, mechanism: 'rsa-oaep', oaepHash: 'sha1', bits: 2048 });
    }
  };
  return {
    moto,
    gcp,
    bao,
    hsm,
    async key(kind) {
      const key = await make(kind);
      opened.push(key);
      return key;
    },
    async stop() {
      for (const key of opened) key.close?.();
      ring.close();
      await moto.stop();
      await gcp.stop();
      await bao.stop();
      hsm.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
