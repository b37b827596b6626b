import { describe, expect, test } from 'vitest';
import { element, nul, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import { parseCrl } from './crl.ts';
import { crl, extension, party } from './fixture.ts';

const issuer = party('Authority');
const date = new Date('2026-05-01T00:00:00Z');
const refused = (der: Uint8Array) => expect(() => parseCrl(der)).toThrow(ConsulError);

describe('a CRL', () => {
  test('gives date and reason by serial number', () => {
    const read = parseCrl(
      crl(issuer, {
        revoked: [
          { serial: 5, date, reason: 4 },
          { serial: 0x80, date },
        ],
      }),
    );
    expect(read.find(Uint8Array.of(5), read.issuer)).toEqual({ date, reason: 'superseded' });
    expect(read.find(Uint8Array.of(0, 0x80), read.issuer)).toEqual({ date, reason: 'unspecified' });
    expect(read.find(Uint8Array.of(6), read.issuer)).toBeUndefined();
    expect(read).toMatchObject({ size: 2, number: 1n });
  });

  test('of 100,000 entries is read whole', { timeout: 20_000 }, () => {
    const revoked = Array.from({ length: 100_000 }, (_, i) => ({ serial: i + 1, date, reason: 1 }));
    const der = crl(issuer, { revoked });
    const [start, before] = [performance.now(), process.memoryUsage().rss];
    const read = parseCrl(der);
    expect(read.find(Uint8Array.of(1, 0x86, 0xa0), read.issuer)?.reason).toBe('keyCompromise');
    expect(read.size).toBe(100_000);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
  });

  test('is refused where it is cut short at any byte or has bytes after its end', () => {
    const der = crl(issuer, { revoked: [{ serial: 5, date, reason: 1 }] });
    for (let length = 0; length < der.length; length++) refused(der.subarray(0, length));
    refused(new Uint8Array([...der, 0]));
  });

  test('is refused with a reason that is not defined', () => {
    refused(crl(issuer, { revoked: [{ serial: 5, date, reason: 7 }] }));
    refused(crl(issuer, { revoked: [{ serial: 5, date, reason: 11 }] }));
  });

  test('is refused where an extension that must be critical is not, or contradicts itself', () => {
    refused(crl(issuer, { extensions: [extension('2.5.29.27', Uint8Array.of(2, 1, 1))] }));
    refused(
      crl(issuer, { extensions: [extension('2.5.29.28', sequence(element(0x84, Uint8Array.of(0xff))))] }),
    );
    refused(crl(issuer, { extensions: [extension('2.5.29.28', sequence(), true)] }));
    const both = sequence(element(0x81, Uint8Array.of(0xff)), element(0x82, Uint8Array.of(0xff)));
    refused(crl(issuer, { extensions: [extension('2.5.29.28', both, true)] }));
  });

  test('says what it holds that is not understood', () => {
    const entry = { serial: 5, date, extensions: [extension('1.2.3.4', nul, true)] };
    expect(parseCrl(crl(issuer, { revoked: [entry] })).notUnderstood).toContain('1.2.3.4');
    expect(parseCrl(crl(issuer, { extensions: [extension('1.2.3.4', nul, true)] })).notUnderstood).toContain(
      '1.2.3.4',
    );
    expect(parseCrl(crl(issuer)).notUnderstood).toBeUndefined();
  });
});
