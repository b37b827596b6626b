import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeBackend } from '../crypto/node.ts';
import { openCeremonyRecord } from '../pki/ceremony-record.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { parseCrl } from '../pki/crl.ts';
import { passphraseKeys, toPem } from '../pki/key-file.ts';
import { parseOcspResponse } from '../pki/ocsp.ts';
import { checkOcspAnswer } from '../pki/ocsp-answer.ts';
import { makeOcspRequest } from '../pki/ocsp-request.ts';
import { hasOpenssl, opensslFolder } from '../pki/openssl.fixture.ts';
import { validatePath } from '../pki/path.ts';
import { allCertificates, auditCertificates, serialText } from '../store/certificate.ts';
import { pkiPaths, readCertificateFile, type SignerName } from '../store/pki-folder.ts';
import { postPaths } from '../store/post-folder.ts';
import { verifyPdf } from '../verify/document.ts';
import { prepareTrust } from '../verify/trust.ts';
import {
  authorityName,
  foundingActs,
  issueAgent,
  issueResponder,
  openPki,
  openRoot,
  type PkiContext,
  type RootSession,
  readTrust,
  recordCeremony,
  renewTrust,
  replaceSigners,
  revoke,
  switchTo,
  underAuthority,
  waitingNames,
} from './certificates.ts';
import { actOnCompromise, assessCompromise } from './compromise.ts';
import { issueGroup } from './issue.ts';
import { openPost } from './open-post.ts';
import { postResponder, publishAnswers, publishLists } from './revocation-lists.ts';
import { fonts } from './testing/children.ts';
import { procedures, someDraft } from './testing/draft.ts';
import { openIssuingPost, passphrase } from './testing/post.ts';
import { type PostTemplate, postTemplate } from './testing/template.ts';

const code = (value: string) => expect.objectContaining({ code: value });
const references = ['A', 'B', 'C', 'D', 'E'];
const fileKey = passphraseKeys(passphrase);
const nothing = { overlapDays: 0, newKeys: [] };

let template: PostTemplate;

beforeAll(async () => {
  template = await postTemplate(references);
});
afterAll(() => template.remove());

async function opened<T>(
  home: string,
  act: (context: PkiContext, root: RootSession) => Promise<T>,
): Promise<T> {
  const post = await openPost(home);
  try {
    const context = await openPki(post, { fileKey, actor: 'agent:amina' });
    return await act(context, await openRoot(context, post.paths.rootKey));
  } finally {
    await post.close();
  }
}

/** @returns the path of the document */
async function issue(home: string, reference: string): Promise<string> {
  const { context, post, close } = await openIssuingPost({ home, fonts, procedures });
  try {
    const [issued] = await issueGroup(context, [someDraft(reference)]);
    const { path } = await post.store.read
      .selectFrom('document')
      .select('path')
      .where('number', '=', issued?.number ?? '')
      .executeTakeFirstOrThrow();
    return join(post.paths.documents, path ?? '');
  } finally {
    await close();
  }
}

/** The indication, and what it was refused for. */
async function verdict(home: string, file: string): Promise<string> {
  return opened(home, async (context) => {
    const trust = prepareTrust(await readTrust(context), nodeBackend);
    const context2 = { trust, now: new Date(), language: 'en' } as Parameters<typeof verifyPdf>[1];
    const report = await verifyPdf(new Uint8Array(await readFile(file)), context2, async () => ({
      codes: [],
      readers: [],
    }));
    const failed = report.checks.find(({ outcome }) => outcome === 'failed' || outcome === 'indeterminate');
    return failed ? `${report.indication} ${failed.id}` : report.indication;
  });
}

const rotate = (home: string, name: SignerName, overlapDays = 0) =>
  opened(home, (context, root) =>
    replaceSigners(context, root, { names: [name], newKeys: [name], overlapDays }),
  );

const certificateOf = (context: PkiContext, name: SignerName) =>
  readCertificateFile(context.paths.certificate(name)) as Promise<Uint8Array>;

describe('a post without a signer of ICAO seals', () => {
  test('gets one when it is rotated', async () => {
    const home = await template.copy();
    const { key, certificate } = pkiPaths(postPaths(home));
    await rm(key('vds-signer'));
    await rm(certificate('vds-signer'));
    const [made] = await rotate(home, 'vds-signer');
    expect(made).toMatchObject({ name: 'vds-signer', before: undefined });
    await opened(home, async (context) => {
      const der = await certificateOf(context, 'vds-signer');
      const { subject, serial } = parseCertificate(der);
      expect([subject.text, serial.length]).toEqual(['CN=PR,C=GA', 9]);
      const trust = prepareTrust(await readTrust(context), nodeBackend);
      const known = trust.known('vds', der);
      expect(known?.entry).toMatchObject({ use: 'vds', post: 'GA-PAR', state: 'active' });
      expect(await known?.pathAt(new Date())).toMatchObject({ ok: true });
      expect((await context.ring.certified('vds-signer')).certificate).toEqual(der);
    });
  });
});

describe('a signer that is rotated', () => {
  test('leaves what it signed good; the drill and the act name what the thief may have signed', {
    timeout: 90_000,
  }, async () => {
    const home = await template.copy();
    const before = await issue(home, 'A');
    const [replaced] = await rotate(home, 'document-signer');
    const since = new Date();
    const after = await issue(home, 'B');
    expect(await verdict(home, before)).toBe('TOTAL-PASSED');
    expect(await verdict(home, after)).toBe('TOTAL-PASSED');

    // The old one is revoked, for a reason that leaves its documents alone.
    const old = serialText(parseCertificate(replaced?.before as Uint8Array).serial);
    await opened(home, async (context) => {
      expect(await revoke(context, old, 'superseded')).toMatchObject({
        state: 'revoked',
        reason: 'superseded',
      });
      const [list] = await publishLists(context);
      expect(list).toMatchObject({ entries: 1, number: 2 });
    });
    expect(await verdict(home, before)).toBe('TOTAL-PASSED');

    // The drill changes nothing.
    const current = await opened(home, async (context) =>
      serialText(parseCertificate(await certificateOf(context, 'document-signer')).serial),
    );
    const drill = await opened(home, (context) => assessCompromise(context, current, since));
    expect(drill).toMatchObject({ place: { name: 'document-signer', waits: false }, index: 1 });
    expect(drill.documents.map(({ reference }) => reference)).toEqual(['B']);
    expect(await verdict(home, after)).toBe('TOTAL-PASSED');

    // The act does.
    await opened(home, async (context, root) => {
      await actOnCompromise(context, root, await assessCompromise(context, current, since), since);
      const lists = await publishLists(context, root);
      expect(lists.map(({ entries }) => entries).sort()).toEqual([0, 2]);
      expect(root.acts.map(({ act }) => act)).toEqual(['revocation', 'certificate', 'trust-bundle', 'crl']);
      expect(await auditCertificates(context.post.store.read)).toEqual([]);
    });
    expect(await verdict(home, before)).toBe('TOTAL-PASSED');
    expect(await verdict(home, after)).not.toBe('TOTAL-PASSED');
    expect(await verdict(home, await issue(home, 'C'))).toBe('TOTAL-PASSED');
  });

  test('waits where there is an overlap, and the old one signs until it is switched', {
    timeout: 60_000,
  }, async () => {
    const home = await template.copy();
    const [replaced] = await rotate(home, 'seal-signer', 7);
    const during = await issue(home, 'A');
    expect(await verdict(home, during)).toBe('TOTAL-PASSED');
    await opened(home, async (context) => {
      expect(await waitingNames(context)).toEqual(['seal-signer']);
      expect(await certificateOf(context, 'seal-signer')).toEqual(replaced?.before);
      const keys = (await readTrust(context)).keys.filter(({ use }) => use === 'seal');
      expect(keys.map(({ state }) => state)).toEqual(['retired', 'active']);
      await switchTo(context, 'seal-signer');
      expect(await certificateOf(context, 'seal-signer')).toEqual(replaced?.certificate);
      await expect(switchTo(context, 'seal-signer')).rejects.toEqual(code('USAGE'));
    });
    expect(await verdict(home, await issue(home, 'B'))).toBe('TOTAL-PASSED');
    expect(await verdict(home, during)).toBe('TOTAL-PASSED');
  });

  test('is the same again where the run was interrupted', async () => {
    const home = await template.copy();
    const [first] = await rotate(home, 'tsa', 7);
    const [second] = await rotate(home, 'tsa', 0);
    expect(second?.certificate).toEqual(first?.certificate);
    await opened(home, async (context) => {
      const rows = await allCertificates(context.post.store.read);
      expect(
        rows
          .filter(({ profile }) => profile === 'tsa')
          .map(({ state }) => state)
          .sort(),
      ).toEqual(['active', 'retired']);
    });
  });

  test('is renewed with the key that it has', { timeout: 60_000 }, async () => {
    const home = await template.copy();
    const [renewed] = await opened(home, (context, root) =>
      replaceSigners(context, root, { ...nothing, names: ['seal-signer'] }),
    );
    const [a, b] = [renewed?.before, renewed?.certificate].map((der) => parseCertificate(der as Uint8Array));
    expect(b?.spki).toEqual(a?.spki);
    expect(b?.serial).not.toEqual(a?.serial);
    expect(await verdict(home, await issue(home, 'A'))).toBe('TOTAL-PASSED');
  });
});

describe('an authority that is rotated', () => {
  test('has everything under it certified again; both go on signing lists', { timeout: 60_000 }, async () => {
    const home = await template.copy();
    const before = await issue(home, 'A');
    await opened(home, async (context, root) => {
      await issueResponder(context);
      const names = await underAuthority(context);
      await replaceSigners(context, root, { names, newKeys: ['issuing-ca'], overlapDays: 0 });
      const lists = await publishLists(context, root);
      expect(new Set(lists.map(({ file }) => file)).size).toBe(3);
      const { authorities } = await readTrust(context);
      expect(authorities).toHaveLength(2);
      const crls = await Promise.all(
        lists.map(async ({ file }) => parseCrl(new Uint8Array(await readFile(file)))),
      );
      const path = {
        leaf: parseCertificate(await certificateOf(context, 'document-signer')),
        intermediates: authorities.map(parseCertificate),
        anchors: [parseCertificate(root.certificate)],
        time: context.clock(),
      };
      expect(await validatePath({ ...path, revocation: { crls } }, nodeBackend)).toMatchObject({ ok: true });
    });
    expect(await verdict(home, before)).toBe('TOTAL-PASSED');
    expect(await verdict(home, await issue(home, 'B'))).toBe('TOTAL-PASSED');
  });

  test('is not without the key of the root', async () => {
    const home = await template.copy();
    await opened(home, async (context) => {
      const names = ['issuing-ca'] as const;
      await expect(replaceSigners(context, undefined, { ...nothing, names })).rejects.toEqual(code('USAGE'));
    });
  });
});

describe('the revocation of a certificate', () => {
  test('is refused while the post signs with it, for unknown ones and a second time', async () => {
    const home = await template.copy();
    await opened(home, async (context, root) => {
      const present = serialText(parseCertificate(await certificateOf(context, 'tsa')).serial);
      await expect(revoke(context, present, 'superseded')).rejects.toEqual(code('CERTIFICATE_IN_USE'));
      await expect(revoke(context, '42', 'superseded')).rejects.toEqual(code('CERTIFICATE_UNKNOWN'));
      const top = serialText(parseCertificate(root.certificate).serial);
      await expect(revoke(context, top, 'superseded')).rejects.toEqual(code('CERTIFICATE_IN_USE'));
      const { certificate } = await issueAgent(context, 'Amina Ndong', passphrase);
      const agent = serialText(parseCertificate(certificate).serial);
      await expect(revoke(context, agent, 'keyCompromise')).rejects.toEqual(code('USAGE'));
      await revoke(context, agent, 'affiliationChanged');
      await expect(revoke(context, agent, 'superseded')).rejects.toEqual(code('CERTIFICATE_REVOKED'));
    });
  });

  test('is published where the certificates say, by list and by OCSP', async () => {
    const home = await template.copy();
    await opened(home, async (context, root) => {
      expect(await publishAnswers(context)).toBeUndefined();
      await issueResponder(context);
      await expect(issueResponder(context)).rejects.toEqual(code('FILE_EXISTS'));
      const { certificate: agentDer } = await issueAgent(context, 'Amina Ndong', passphrase);
      const agent = parseCertificate(agentDer);
      await revoke(context, serialText(agent.serial), 'cessationOfOperation');
      await publishLists(context, root);
      expect(await publishAnswers(context)).toBe(5);

      const authorityDer = await certificateOf(context, 'issuing-ca');
      const authority = parseCertificate(authorityDer);
      const name = authorityName(authorityDer);
      const text = Buffer.from(agentDer).toString('latin1');
      const host = 'http://verifier.example';
      for (const address of [`${host}/crl/${name}.crl`, `${host}/ca/${name}.cer`, `${host}/ocsp/${name}`])
        expect(text).toContain(address);
      const published = async (...parts: string[]) =>
        new Uint8Array(await readFile(join(home, 'public', ...parts)));
      expect(await published('ca', `${name}.cer`)).toEqual(authorityDer);

      const list = parseCrl(await published('crl', `${name}.crl`));
      expect(list.find(agent.serial, list.issuer)?.reason).toBe('cessationOfOperation');
      const request = await makeOcspRequest({ certificates: [agent], issuer: authority }, nodeBackend.digest);
      const answer = await published('ocsp', name, `${serialText(agent.serial)}.sha1.ocsp`);
      const asked = Buffer.from(request).toString('base64');
      // Two slashes together are the name of no file.
      if (!asked.includes('//')) expect(answer).toEqual(await published('ocsp', name, asked));
      const input = { certificate: agent, issuer: authority, at: context.clock() };
      expect(
        await checkOcspAnswer({ ...input, response: parseOcspResponse(answer) }, nodeBackend),
      ).toMatchObject({ status: 'revoked', reason: 'cessationOfOperation' });

      const nonce = nodeBackend.random(16);
      const respond = await postResponder(context);
      const fresh = await respond?.(
        await makeOcspRequest({ certificates: [agent], issuer: authority, nonce }, nodeBackend.digest),
      );
      const response = parseOcspResponse(fresh as Uint8Array);
      expect(await checkOcspAnswer({ ...input, response, nonce }, nodeBackend)).toMatchObject({
        status: 'revoked',
      });

      if (!hasOpenssl) return;
      const folder = opensslFolder();
      const pem = (der: Uint8Array) => toPem('CERTIFICATE', der);
      folder.write({
        'root.pem': pem(root.certificate),
        'ca.pem': pem(authorityDer),
        'agent.pem': pem(agentDer),
        'signer.pem': pem(await certificateOf(context, 'document-signer')),
        'answer.der': answer,
        'lists.pem':
          toPem('X509 CRL', await published('crl', `${name}.crl`)) +
          toPem('X509 CRL', await published('crl', `${authorityName(root.certificate)}.crl`)),
      });
      const judge = (file: string) =>
        folder.openssl(
          ...`verify -CAfile root.pem -untrusted ca.pem -CRLfile lists.pem -crl_check_all -x509_strict ${file}`.split(
            ' ',
          ),
        );
      expect(judge('signer.pem').said).toContain('OK');
      expect(judge('agent.pem').said).toContain('certificate revoked');
      const ocsp = folder.openssl(
        ...'ocsp -respin answer.der -no_nonce -CAfile root.pem -verify_other ca.pem -issuer ca.pem -cert agent.pem'.split(
          ' ',
        ),
      );
      expect(ocsp.said).toContain('Response verify OK');
      expect(ocsp.said).toContain('agent.pem: revoked');
    });
  });
});

describe('the key of the root', () => {
  test('renews the trust bundle under the next number only', async () => {
    const home = await template.copy();
    await opened(home, async (context, root) => {
      const { sequence } = await readTrust(context);
      expect((await renewTrust(context, root)).sequence).toBe(sequence + 1);
      expect((await renewTrust(context, root)).sequence).toBe(sequence + 2);
      const yesterday = { ...context, clock: () => new Date(Date.now() - 86_400_000) };
      await expect(renewTrust(yesterday, root)).rejects.toEqual(code('TRUST_ROLLBACK'));
      expect((await readTrust(context)).sequence).toBe(sequence + 2);
    });
  });

  test('signs the record of what was done with it', async () => {
    const home = await template.copy();
    await opened(home, async (context, root) => {
      await foundingActs(context, root);
      const people = {
        operator: 'amina',
        witnesses: ['Jean Obame'],
        place: 'Paris',
        software: 'consul test',
      };
      const { record, file } = await recordCeremony(context, root, people);
      expect(record.acts.map((act) => (act.act === 'certificate' ? act.profile : act.act))).toEqual([
        'root',
        'issuing-ca',
        'document-signer',
        'seal-signer',
        'vds-signer',
        'tsa',
        'trust-bundle',
      ]);
      const signed = new Uint8Array(await readFile(file));
      expect(await openCeremonyRecord(signed, root.certificate, nodeBackend)).toEqual(record);
      for (const at of [10, signed.length >> 1, signed.length - 1]) {
        const altered = signed.with(at, (signed[at] as number) ^ 1);
        await expect(openCeremonyRecord(altered, root.certificate, nodeBackend)).rejects.toEqual(
          code('TRUST_INVALID'),
        );
      }
      const other = await certificateOf(context, 'issuing-ca');
      await expect(openCeremonyRecord(signed, other, nodeBackend)).rejects.toEqual(code('TRUST_INVALID'));
      const trust = new Uint8Array(await readFile(context.post.paths.trust));
      await expect(openCeremonyRecord(trust, root.certificate, nodeBackend)).rejects.toEqual(
        code('TRUST_INVALID'),
      );
    });
  });

  test('is not another key', async () => {
    const home = await template.copy();
    await opened(home, async (context) => {
      await expect(openRoot(context, context.paths.key('tsa'))).rejects.toEqual(code('KEY_INVALID'));
    });
  });
});
