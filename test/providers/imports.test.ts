/** Importing one provider loads no other's package; without its package, the error says what to install. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { built, importCost } from '../bench/loaded-packages.ts';
import { temporaryFolder } from '../support/folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const OURS = ['cockatiel', 'p-throttle', 'tweetnacl'];
const ARN = 'arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000';
const GCP = 'projects/p/locations/global/keyRings/r/cryptoKeys/k';

describe('what is loaded', () => {
  it.each([
    ['waxseal', 'src/index.js', ['tweetnacl']],
    ['waxseal/aws-kms', 'providers/aws-kms/index.js', OURS],
    ['waxseal/gcp-kms', 'providers/gcp-kms/index.js', OURS],
    ['waxseal/vault-transit', 'providers/vault-transit/index.js', OURS],
    ['waxseal/pkcs11', 'providers/pkcs11/index.js', OURS],
  ])('importing %s loads no SDK', (_name, path, allowed) => {
    const { packages } = importCost(built(path));
    expect(packages.filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it('a key of AWS loads the SDK of AWS and no other provider', () => {
    const { packages } = importCost(built('providers/aws-kms/index.js'), `await m.awsKms({ key: '${ARN}' });`);
    expect(packages).toContain('@aws-sdk/client-kms');
    expect(packages.filter((name) => /graphene|pkcs11|@google|@azure|vault/.test(name))).toEqual([]);
  });

  it('a key of Google Cloud loads the SDK of Google Cloud and no other provider', () => {
    const { packages } = importCost(built('providers/gcp-kms/index.js'), `await m.gcpKms({ key: '${GCP}' });`);
    expect(packages).toContain('@google-cloud/kms');
    expect(packages.filter((name) => /graphene|pkcs11|@aws|@azure|vault/.test(name))).toEqual([]);
  });

  it('the command line loads nothing of providers that are not named', () => {
    const { packages } = importCost(
      built('src/cli/program/program.js'),
      'm.buildProgram({ context: () => undefined, ended: () => undefined }).commands.length;',
    );
    expect(packages.filter((name) => !['commander'].includes(name))).toEqual([]);
  });
});

describe('without the package of a provider', () => {
  /** The built package as somebody installed it who has none of the optional ones. */
  async function installedBare(): Promise<string> {
    const folder = await temporaryFolder();
    cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    mkdirSync(join(folder, 'node_modules'));
    for (const name of OURS) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), 'dir');
    return folder;
  }

  const failureOf = (folder: string, entry: string, call: string): Record<string, string> => {
    const script = `
      const m = await import(${JSON.stringify(join(folder, 'dist', entry))});
      await ${call}.then(() => console.log('{}'), ({ code, message, next }) => console.log(JSON.stringify({ code, message, next })));
      process.exit(0);
    `;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      encoding: 'utf8',
    });
    return JSON.parse(out) as Record<string, string>;
  };

  it('AWS KMS names it, with the version', async () => {
    const failure = failureOf(await installedBare(), 'providers/aws-kms/index.js', `m.awsKms({ key: '${ARN}' })`);
    expect(failure).toMatchObject({ code: 'ERR_PROVIDER_MISSING', next: 'npm install @aws-sdk/client-kms@^3.980.0' });
  });

  it('PKCS#11 names it, with the version', async () => {
    const call = `m.pkcs11({ token: 't', object: 'o', library: '/nowhere.so', pin: '1' })`;
    const { code, next } = failureOf(await installedBare(), 'providers/pkcs11/index.js', call);
    expect(code).toBe('ERR_PROVIDER_MISSING');
    expect(next).toContain('npm install graphene-pk11@^2.3.6');
  });

  it('the ranges in the messages are those of package.json', async () => {
    const {
      default: { peerDependencies },
    } = (await import('../../package.json', { with: { type: 'json' } })) as {
      default: { peerDependencies: Record<string, string> };
    };
    expect(peerDependencies).toMatchObject({
      '@aws-sdk/client-kms': '^3.980.0',
      '@google-cloud/kms': '^6.0.0',
      'graphene-pk11': '^2.3.6',
    });
  });
});
