/**
 * Each security option, with a test that fails if it were accepted and ignored. Real servers are not needed: what is
 * refused is refused before a call, or by what the caller's key may do.
 */
import { describe, expect, it } from 'vitest';
import { awsKms, awsKmsDiscovery } from '../../providers/aws-kms/index.ts';
import { pkcs11 } from '../../providers/pkcs11/index.ts';
import { vaultTransit } from '../../providers/vault-transit/index.ts';
import { open, rewrap, seal } from '../../src/envelope/index.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import { pattern } from '../support/bytes.ts';
import { ReferenceKey } from '../testing/reference-key.ts';

const ARN = 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000';
const wrap = { uri: `awskms:///${ARN}`, version: 'v', algorithm: 3, wrap: pattern(90) };

describe('an option that is ignored would be a promise that is not kept', () => {
  it('discovery filter: a key of another account or partition is refused before any call', async () => {
    const endpoint = 'http://127.0.0.1:1';
    for (const filter of [
      { accounts: ['999999999999'], partition: 'aws' },
      { accounts: ['111122223333'], partition: 'aws-us-gov' },
    ]) {
      const discovery = await awsKmsDiscovery({ ...filter, endpoint, maxAttempts: 1 });
      expect(discovery.accepts(wrap.uri)).toBe(false);
      await expect(discovery.unwrap(wrap, pattern(32))).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    }
    const mine = await awsKmsDiscovery({ accounts: ['111122223333'], partition: 'aws', endpoint, maxAttempts: 1 });
    expect(mine.accepts(wrap.uri)).toBe(true);
  });

  it('allowed keys: any other is refused, by name and by discovery', async () => {
    const other = ARN.replace('0000-4000', '1111-4000');
    await expect(awsKms({ key: ARN, allowedKeys: [other] })).rejects.toMatchObject({
      code: 'ERR_RECIPIENT_NOT_ALLOWED',
    });
    const filter = { accounts: ['111122223333'], partition: 'aws' };
    const discovery = await awsKmsDiscovery({ ...filter, allowedKeys: [other] });
    expect([discovery.accepts(wrap.uri), discovery.accepts(`awskms:///${other}`)]).toEqual([false, true]);
  });

  it('required context: an object that does not say so is refused', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(pattern(100), key, { context: { team: 'vision' } });
    expect(await open(sealed, key, { expectContext: { team: 'vision' } })).toEqual(pattern(100));
    for (const expectContext of [{ team: 'speech' }, { team: 'vision', purpose: 'x' }]) {
      await expect(open(sealed, key, { expectContext })).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
    }
  });

  it('blind: nothing is ever unwrapped', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(pattern(100), key);
    await key.rotate();
    let unwraps = 0;
    const counting = Object.assign(Object.create(key) as ReferenceKey, {
      rewrap: key.rewrap.bind(key),
      unwrap: () => {
        unwraps += 1;
        return Promise.reject(new WaxsealError('ERR_KEY_DENIED', 'no'));
      },
    });
    await rewrap(sealed, counting, { blind: true });
    expect(unwraps).toBe(0);
    await expect(rewrap(sealed, counting, { blind: false })).rejects.toMatchObject({ code: 'ERR_KEY_DENIED' });
    expect(unwraps).toBeGreaterThan(0);
  });

  it('requireSymmetricWrap refuses RSA-OAEP as every public-key wrap', async () => {
    const key = Object.assign(Object.create(new ReferenceKey()) as ReferenceKey, { symmetric: false });
    const sealed = await seal(pattern(100), key);
    await expect(open(sealed, key, { requireSymmetricWrap: true })).rejects.toMatchObject({
      code: 'ERR_UNEXPECTED_OBJECT',
    });
  });

  it.each([
    ['awsKms', (options: object) => awsKms({ key: ARN, ...options })],
    [
      'awsKmsDiscovery',
      (options: object) => awsKmsDiscovery({ accounts: ['111122223333'], partition: 'aws', ...options }),
    ],
    [
      'vaultTransit',
      (options: object) => vaultTransit({ key: 'k', address: 'https://127.0.0.1:1', token: 't', ...options }),
    ],
    ['pkcs11', (options: object) => pkcs11({ token: 't', object: 'o', library: '/x.so', pin: '1', ...options })],
  ])('%s refuses names that it does not know', async (_name, make) => {
    for (const name of [
      'discoveryFilter',
      'allowedKey',
      'requiredContext',
      'blindMode',
      'rejectUnauthorized',
      'insecure',
    ]) {
      await expect(make({ [name]: true })).rejects.toThrow(new RegExp(`unknown option "${name}"`));
    }
  });
});
