import { describe, expect, it } from 'vitest';
import { readKeyUri, readTokenUri } from './pkcs11-uri.ts';

describe('the URI of a token (RFC 7512)', () => {
  it('names the token, its module and where its PIN is', () => {
    expect(readTokenUri('pkcs11:token=consulate?module-path=/usr/lib/softhsm/libsofthsm2.so')).toEqual({
      token: 'consulate',
      module: '/usr/lib/softhsm/libsofthsm2.so',
    });
    expect(
      readTokenUri('pkcs11:token=Consulat%20de%20Paris?module-path=/m.so&pin-source=file:///etc/pin'),
    ).toEqual({ token: 'Consulat de Paris', module: '/m.so', pinFile: '/etc/pin' });
    for (const source of ['file:/etc/pin', '/etc/pin'])
      expect(readTokenUri(`pkcs11:token=t?pin-source=${source}&module-path=/m.so`).pinFile).toBe('/etc/pin');
  });

  it('names a key in it by label, identifier or both', () => {
    const token = { token: 't', module: '/m.so' };
    const read = (key: string) => readKeyUri(`pkcs11:token=t;${key}?module-path=/m.so`);
    expect(read('object=root%202026')).toEqual({ ...token, key: { label: 'root 2026' } });
    expect(read('id=%AB%00a')).toEqual({ ...token, key: { id: 'ab0061' } });
    expect(read('id=%01;object=root;type=private')).toEqual({ ...token, key: { id: '01', label: 'root' } });
    expect(() => readKeyUri('pkcs11:token=t?module-path=/m.so')).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });

  it.each([
    ['another scheme', 'file:token=t?module-path=/m.so'],
    ['no token', 'pkcs11:?module-path=/m.so'],
    ['no module', 'pkcs11:token=t'],
    ['an attribute twice', 'pkcs11:token=t;token=u?module-path=/m.so'],
    ['an attribute that would be ignored', 'pkcs11:token=t;object=key?module-path=/m.so'],
    ['no value', 'pkcs11:token?module-path=/m.so'],
    ['a broken percent-encoding', 'pkcs11:token=%zz?module-path=/m.so'],
    ['the PIN itself', 'pkcs11:token=t?module-path=/m.so&pin-value=1234'],
  ])('is refused with %s, and no PIN is repeated', (_, uri) => {
    expect(() => readTokenUri(uri)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.not.stringContaining('1234') }),
    );
  });
});
