/** PKCS#11 URIs: the examples of RFC 7512 section 3, and what is refused. */
import { describe, expect, it } from 'vitest';
import { parsePkcs11Uri } from '../../../providers/pkcs11/index.ts';
import { recordedUri } from '../../../providers/pkcs11/key-uri.ts';

describe('PKCS#11 URIs of RFC 7512', () => {
  it.each([
    ['pkcs11:', {}],
    ['pkcs11:object=my-key;type=private?pin-source=file:/etc/token', { object: 'my-key', pinFile: '/etc/token' }],
    [
      'pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1',
      { object: 'my-sign-key', modulePath: '/mnt/libmypkcs11.so.1' },
    ],
    [
      'pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-key;type=secret-key;id=%69%95%3E%5C%F4%BD%EC%91;serial=7?pin-source=file:/etc/token_pin',
      {
        token: 'The Software PKCS#11 Softtoken',
        manufacturer: 'Snake Oil, Inc.',
        model: '1.0',
        object: 'my-key',
        id: '69953e5cf4bdec91',
        serial: '7',
        pinFile: '/etc/token_pin',
      },
    ],
    [
      'pkcs11:token=My%20token%25%20created%20by%20Joe;id=%01%02%03%Ba%dd%Ca%fe%04%05%06',
      { token: 'My token% created by Joe', id: '010203baddcafe040506' },
    ],
    ['pkcs11:token=A%20name%20with%20a%20substring%20%25%3B', { token: 'A name with a substring %;' }],
    [
      'pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1',
      { token: 'Name with a small A with acute: á' },
    ],
    ['pkcs11:slot-id=327', { slotId: 327 }],
    ['pkcs11:object=k?x-mechanism=aes-kwp&x-oaep-hash=sha1', { object: 'k', mechanism: 'aes-kwp', oaepHash: 'sha1' }],
    ['pkcs11:object=k?pin-source=file:///run/pin', { object: 'k', pinFile: '/run/pin' }],
    ['pkcs11:id=a+b%21', { id: '612b6221' }],
  ])('%s', (uri, expected) => {
    expect(parsePkcs11Uri(uri)).toEqual(expected);
  });

  it.each([
    ['pkcs11:object=my-pubkey;type=public', 'do not unwrap'],
    ['pkcs11:object=my-certificate;type=cert', 'do not unwrap'],
    ['pkcs11:object=my-sign-key?module-name=mypkcs11', '"module-name" is unknown'],
    ['pkcs11:slot-description=Sun%20Metaslot', '"slot-description" is unknown'],
    ['pkcs11:library-version=1.23', '"library-version" is unknown'],
    ['pkcs11:token=my-token;vendor-aaa=value-a', '"vendor-aaa" is unknown'],
    ['pkcs11:token=a;token=b', 'twice'],
    ['pkcs11:token=a;', '"" is unknown'],
    ['pkcs11:token', '"" is unknown'],
    ['pkcs11:token=;object=k', 'token is empty'],
    ['pkcs11:token=%GG', 'not encoded'],
    ['pkcs11:token=%C3', 'not encoded'],
    ['pkcs11:id=%1', 'id must be bytes'],
    ['pkcs11:id=', 'id must be bytes'],
    ['pkcs11:object=k?pin-source=%7C/usr/lib/pinomatic', 'must be a file'],
    ['pkcs11:object=k?a=1?b=2', 'two question marks'],
    ['pkcs11:slot-id=0x1', 'slot-id must be a number'],
    ['local:k', 'does not begin with pkcs11:'],
  ])('refuses %s', (uri, why) => {
    expect(() => parsePkcs11Uri(uri)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_KEY_URI', message: expect.stringContaining(why) as string }),
    );
  });

  it.each([
    'pkcs11:token=Software%20PKCS%2311%20softtoken?pin-value=s3cret-pin',
    'pkcs11:token=t;pin-value=s3cret-pin',
    'pkcs11:token=t?unknown=1&pin-value=s3cret-pin',
    'pkcs11:token=t?PIN-VALUE=s3cret-pin',
    'pkcs11:token=t?pin=s3cret-pin',
  ])('refuses a PIN in a URI, and does not repeat it: %s', (uri) => {
    let thrown: unknown;
    try {
      parsePkcs11Uri(uri);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'ERR_INVALID_KEY_URI' });
    const { message, object, next, stack } = thrown as Error & { object: string; next: string };
    expect(`${message}${object}${next}${stack ?? ''}`).not.toContain('s3cret');
  });

  it('records one spelling, without the query', () => {
    const parts = { token: 'a b;c/ü*', serial: undefined, object: "k'(1)", id: '01ab' };
    const uri = recordedUri(parts);
    expect(uri).toBe('pkcs11:token=a%20b%3Bc%2F%C3%BC%2A;object=k%27%281%29;id=%01%AB');
    const { token, object, id } = parsePkcs11Uri(uri);
    expect({ token, serial: undefined, object, id }).toEqual(parts);
  });
});
