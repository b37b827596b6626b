import { describe, expect, test } from 'vitest';
import { certificate, party } from '../pki/fixture.ts';
import {
  allCertificates,
  auditCertificates,
  certificatesBy,
  findCertificate,
  registerCertificate,
  retireCertificate,
  revokeCertificate,
  serialText,
} from './certificate.ts';
import { verifyJournal } from './journal.ts';
import type { Store } from './store.ts';
import { someTime, temporaryStore } from './test-store.ts';

const authority = party('Authority');
const der = (serial: number) => certificate(authority, party(`Signer ${serial}`), { serial });
const act = { at: someTime, actor: 'agent:amina' };
const since = new Date('2026-11-01T00:00:00Z');

async function registered(...serials: readonly number[]): Promise<Store> {
  const store = await temporaryStore();
  for (const serial of serials)
    await store.transact((tx) =>
      registerCertificate(tx, act, { profile: 'document-signer', der: der(serial) }),
    );
  return store;
}

describe('the register of certificates', () => {
  test('holds what was issued, once', async () => {
    const store = await registered(0x80);
    const row = { serial: '80', profile: 'document-signer', issuer: 'CN=Authority', state: 'active' };
    const same = await findCertificate(store.read, '80');
    expect(same).toMatchObject(row);
    await store.transact((tx) =>
      registerCertificate(tx, act, { profile: 'other', der: same?.der as Uint8Array }),
    );
    expect(await allCertificates(store.read)).toEqual([same]);
  });

  test('finds a serial number as people type it', async () => {
    const store = await registered(0xabcd);
    for (const typed of ['abcd', 'AB:CD', '00 ab cd'])
      expect((await findCertificate(store.read, typed))?.serial).toBe('abcd');
    expect(await findCertificate(store.read, 'ab')).toBeUndefined();
    expect(serialText(Uint8Array.of(0, 0x80))).toBe('80');
  });

  test('retires and revokes, once and for good', async () => {
    const store = await registered(1, 2);
    await store.transact((tx) => retireCertificate(tx, act, '01', since));
    expect(await findCertificate(store.read, '01')).toMatchObject({
      state: 'retired',
      lastSigning: since.toISOString(),
    });
    const revocation = { since, reason: 'keyCompromise', compromisedSince: 7 } as const;
    await store.transact((tx) => revokeCertificate(tx, act, '01', revocation));
    await store.transact((tx) => retireCertificate(tx, act, '01', new Date()));
    expect(await certificatesBy(store.read, 'CN=Authority')).toMatchObject([
      { state: 'revoked', reason: 'keyCompromise', compromisedSince: 7, lastSigning: since.toISOString() },
      { state: 'active' },
    ]);
    const again = store.transact((tx) => revokeCertificate(tx, act, '01', revocation));
    await expect(again).rejects.toMatchObject({ code: 'CERTIFICATE_REVOKED' });
    // A lesser reason gives way to a compromise, and its date stays where it is earlier.
    await store.transact((tx) => revokeCertificate(tx, act, '02', { since, reason: 'superseded' }));
    const later = { ...revocation, since: new Date(someTime) };
    await store.transact((tx) => revokeCertificate(tx, act, '02', later));
    expect(await findCertificate(store.read, '02')).toMatchObject({
      reason: 'keyCompromise',
      revokedAt: since.toISOString(),
    });
    const unknown = store.transact((tx) => revokeCertificate(tx, act, '03', revocation));
    await expect(unknown).rejects.toMatchObject({ code: 'CERTIFICATE_UNKNOWN' });
  });

  test('is covered by the journal: no row can change, come or go unseen', async () => {
    const store = await registered(1, 2);
    await store.transact((tx) => revokeCertificate(tx, act, '01', { since, reason: 'superseded' }));
    expect(await auditCertificates(store.read)).toEqual([]);
    expect((await verifyJournal(store.read, undefined)).outcome).toBe('intact');
    const good = await findCertificate(store.read, '01');
    await store.transact((tx) =>
      tx
        .updateTable('certificate')
        .set({ state: 'active', revokedAt: null, reason: null })
        .where('serial', '=', '01')
        .execute(),
    );
    expect(await auditCertificates(store.read)).toEqual([
      { serial: '01', message: 'it is not as the journal has it' },
    ]);
    await store.transact(async (tx) => {
      await tx.deleteFrom('certificate').where('serial', '=', '01').execute();
      await tx
        .insertInto('certificate')
        .values({ ...(good as NonNullable<typeof good>), serial: '09' })
        .execute();
    });
    expect(await auditCertificates(store.read)).toEqual([
      { serial: '09', message: 'the journal does not know of it' },
      { serial: '01', message: 'it is missing from the register' },
    ]);
  });
});
