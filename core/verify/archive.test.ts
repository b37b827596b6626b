import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, fromLatin1, latin1 } from '../bytes.ts';
import { addSignature } from '../pdf/add-signature.ts';
import { readPdf } from '../pdf/read/document.ts';
import { update } from '../pdf/read/fixture.ts';
import { type PdfObject, PdfRef } from '../pdf/read/objects.ts';
import { readSignatures } from '../pdf/read/signature.ts';
import { textObject } from '../pdf/serialize.ts';
import type { IncrementalUpdate } from '../pdf/update.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { certificate as issueTo, party, crl as rawCrl } from '../pki/fixture.ts';
import { archived, evidenceOf, evilUpdate, listOf, stampedOnly, stampsOf } from './archive.fixture.ts';
import { verifyPdf } from './document.ts';
import {
  type Cast,
  ceremonyCast,
  contextOf,
  flipped,
  later,
  makeDocument,
  seconds,
  shapedCast,
  signatureOf,
  signerOf,
  times,
  trustOf,
  withKey,
} from './fixture.ts';
import type { Report } from './report.ts';
import type { Trust } from './trust.ts';

const noCodes = async () => ({ codes: [], readers: [] });

let cast: Cast;
let trust: Trust;
/** At B-T, at B-LTA, and renewed a week later. */
let issued: Uint8Array;
let lasting: Uint8Array;
let renewed: Uint8Array;

const nextWeek = later(times.issue, 6);

beforeAll(async () => {
  cast = await ceremonyCast();
  trust = await trustOf(cast);
  issued = (await makeDocument(cast, { certified: true })).file;
  lasting = await archived(issued, cast);
  renewed = await archived(lasting, cast, { stamps: stampsOf(cast.tsa, nextWeek) });
});

const verify = (file: Uint8Array, at: Trust = trust, now: Date = times.now): Promise<Report> =>
  verifyPdf(file, contextOf(at, now), noCodes);

/** The verdict, then every check that did not pass, with its sub-indication. */
function verdict(report: Report): readonly string[] {
  const refusals = report.checks.flatMap(({ id, outcome, subIndication }) =>
    outcome === 'passed' || id === 'status'
      ? []
      : [subIndication ? `${id} ${subIndication}` : `${id} ${outcome}`],
  );
  return [report.indication, ...refusals];
}

const verdictOn = async (file: Uint8Array, at?: Trust, now?: Date) => verdict(await verify(file, at, now));
const passed = ['TOTAL-PASSED'];
const structure = ['TOTAL-FAILED', 'structure FORMAT_FAILURE'];

describe('a document that was made to last', () => {
  it('passes at every level, which the report names', async () => {
    const stored = await archived(issued, cast, { level: 'B-LT' });
    for (const [file, level] of [
      [issued, 'B-T'],
      [stored, 'B-LT'],
      [lasting, 'B-LTA'],
      [renewed, 'B-LTA'],
    ] as const) {
      const report = await verify(file);
      expect(verdict(report)).toEqual(passed);
      expect(report.level).toBe(level);
      expect(report.signedAt).toBe(times.issue.toISOString());
    }
  });

  it('says what it was archived by', async () => {
    const { checks } = await verify(renewed);
    const said = new Map<string, string>(checks.map(({ id, message }) => [id, message]));
    expect(said.get('archive-timestamp')).toContain('2 times');
    expect(said.get('revocation')).toContain(later(times.issue, -1).toISOString().slice(0, 10));
  });

  it('passes in the form that certifies nothing too', async () => {
    const plain = await archived((await makeDocument(cast)).file, cast);
    expect(await verdictOn(plain)).toEqual(passed);
  });

  it('passes when its timestamp came after its lists had run out, which were fresh when it was signed', async () => {
    const late = await archived(issued, cast, { stamps: stampsOf(cast.tsa, later(times.issue, 20)) });
    const report = await verify(late);
    expect(verdict(report)).toEqual(passed);
    expect(report.level).toBe('B-LTA');
  });
});

describe('a certificate that is revoked', () => {
  const revokedSince = async (who: 'document' | 'tsa', date: Date, extension: { at?: Date } = {}) => {
    const { serial } = parseCertificate(cast[who].certificate);
    const { at = later(times.issue, 6) } = extension;
    const evidence = await evidenceOf(cast, {
      thisUpdate: later(at, -1),
      nextUpdate: later(at, 7),
      revoked: [{ serial, date, reason: 'keyCompromise' }],
    });
    return { evidence, stamps: stampsOf(cast.tsa, at) };
  };

  it.each(['document', 'tsa'] as const)('before it signed refuses the document: %s', async (who) => {
    const file = await archived(
      issued,
      cast,
      await revokedSince(who, later(times.issue, -1), { at: times.issue }),
    );
    expect(await verdictOn(file)).toEqual(['TOTAL-FAILED', 'revocation REVOKED']);
  });

  it('after it signed leaves the document good, raised before or after', async () => {
    const afterwards = await revokedSince('document', later(times.issue, 2));
    expect(await verdictOn(await archived(issued, cast, afterwards))).toEqual(passed);
    expect(await verdictOn(await archived(lasting, cast, afterwards))).toEqual(passed);
  });

  it('is found in any revision', async () => {
    const before = await revokedSince('document', later(times.issue, -1));
    expect(await verdictOn(await archived(lasting, cast, before))).toEqual([
      'TOTAL-FAILED',
      'revocation REVOKED',
    ]);
  });

  it('is found at B-LT, where nothing proves when the list was there', async () => {
    const before = await revokedSince('document', later(times.issue, -1));
    const file = await archived(issued, cast, { ...before, level: 'B-LT' });
    expect(await verdictOn(file)).toEqual(['TOTAL-FAILED', 'revocation REVOKED']);
  });
});

describe('time', () => {
  it('passes after every certificate has expired', async () => {
    const soon = later(times.issue, 8);
    const old = shapedCast({
      document: { notAfter: soon },
      seal: { notAfter: soon },
      tsa: { notAfter: soon },
    });
    const file = await archived((await makeDocument(old)).file, old);
    expect(await verdictOn(file, await trustOf(old), later(times.issue, 30))).toEqual(passed);
  });

  it('is proven by a later authority when the algorithm of the first has ended', async () => {
    // RSA keys of 2048 bits ended on 2026-04-01 (certs/algorithm-policy.json).
    const short = shapedCast({ tsa: { kind: 'rsa-2048' } });
    const strong = shapedCast();
    const withBoth = await trustOf(short, (content) => ({
      ...content,
      authorities: [...content.authorities, ...strong.authorities],
      keys: [
        ...content.keys,
        { certificate: strong.tsa.certificate, use: 'timestamp', post: 'GA-PAR', state: 'active' },
      ],
    }));
    const file = (await makeDocument(short)).file;
    const tooLate = new Date('2026-04-02T00:00:00Z');
    expect(await verdictOn(file, withBoth)).toEqual([
      'INDETERMINATE',
      'algorithms CRYPTO_CONSTRAINTS_FAILURE',
    ]);
    expect(await verdictOn(file, withBoth, new Date('2026-03-30T00:00:00Z'))).toEqual(passed);
    const extended = await archived(file, short);
    expect(await verdictOn(extended, withBoth, tooLate)).toEqual([
      'INDETERMINATE',
      'algorithms CRYPTO_CONSTRAINTS_FAILURE',
    ]);
  });

  it('does not run backwards', async () => {
    const early = await stampedOnly(issued, stampsOf(cast.tsa, later(times.issue, -1)));
    expect(await verdictOn(early)).toEqual(['INDETERMINATE', 'archive-timestamp TIMESTAMP_ORDER_FAILURE']);
    const future = await stampedOnly(issued, stampsOf(cast.tsa, later(times.now, 1)));
    expect(await verdictOn(future)).toEqual(['INDETERMINATE', 'archive-timestamp TIMESTAMP_ORDER_FAILURE']);
  });
});

describe('a later revision', () => {
  it('has no byte that can be changed', async () => {
    const start = issued.length;
    let count = 0;
    for (let at = start; at < renewed.length; at += 17) {
      const { indication } = await verify(flipped(renewed, at, 1 << (at & 7)));
      if (indication === 'TOTAL-PASSED') throw new Error(`a change at byte ${at} of ${start} on passes`);
      count++;
    }
    expect(count).toBeGreaterThan(300);
  });

  it('has no hole whose digits can be changed', async () => {
    const [, stamp] = readSignatures(readPdf(lasting));
    const [, from = 0, to = 0] = stamp?.byteRange ?? [];
    expect(to - from).toBeGreaterThan(4000);
    for (let at = from + 1; at < to - 1; at += 11) {
      const copy = lasting.slice();
      const text = String.fromCharCode(copy[at] as number);
      copy[at] = (text === '0' ? '1' : '0').charCodeAt(0);
      expect((await verify(copy)).indication).not.toBe('TOTAL-PASSED');
    }
    const capital = fromLatin1(lasting).indexOf('a', from);
    expect((await verify(flipped(lasting, capital, 0x20))).indication).toBe('TOTAL-FAILED');
  });

  it('can be taken off whole, which the level shows, and not in part', async () => {
    expect((await verify(renewed.subarray(0, lasting.length))).level).toBe('B-LTA');
    expect((await verify(renewed.subarray(0, issued.length))).level).toBe('B-T');
    for (let end = issued.length + 1; end < lasting.length; end += 97)
      expect((await verify(lasting.subarray(0, end))).indication).toBe('TOTAL-FAILED');
  });

  it.each(['\n', '%%EOF', ' x', '\n\n1 0 obj\nnull\nendobj\n'])('ends where it ends: %j', async (tail) => {
    expect((await verify(concatBytes(lasting, latin1(tail)))).indication).toBe('TOTAL-FAILED');
  });

  it('has a timestamp by an authority of the bundle over this very file', async () => {
    const stranger = await ceremonyCast();
    expect(await verdictOn(await archived(issued, cast, { stamps: stampsOf(stranger.tsa) }))).toEqual([
      'INDETERMINATE',
      'archive-timestamp NO_CERTIFICATE_CHAIN_FOUND',
    ]);
    const other = { stamp: async () => stampsOf(cast.tsa).stamp(new Uint8Array(32)) };
    expect(await verdictOn(await archived(issued, cast, { stamps: other }))).toEqual([
      'TOTAL-FAILED',
      'archive-timestamp HASH_FAILURE',
    ]);
  });

  it('has a timestamp of a key that was in force', async () => {
    const retired = await trustOf(
      cast,
      withKey('timestamp', { state: 'retired', lastSigning: seconds(times.issue) + 60 }),
    );
    expect(await verdictOn(lasting, retired)).toEqual(passed);
    expect(await verdictOn(renewed, retired)).toEqual(['TOTAL-FAILED', 'archive-timestamp REVOKED']);
  });
});

describe('validation data', () => {
  const strange = ['INDETERMINATE', 'revocation NO_CERTIFICATE_CHAIN_FOUND'];
  const withMore = async (more: {
    certificates?: Uint8Array[];
    crls?: Uint8Array[];
    ocsps?: Uint8Array[];
  }) => {
    const { certificates, crls } = await evidenceOf(cast);
    return archived(issued, cast, {
      evidence: {
        certificates: [...certificates, ...(more.certificates ?? [])],
        crls: [...crls, ...(more.crls ?? [])],
        ocsps: more.ocsps ?? [],
      },
    });
  };

  it('is of authorities that the bundle knows', async () => {
    const stranger = await ceremonyCast();
    expect(await verdictOn(await withMore({ crls: [await listOf(stranger.issuing)] }))).toEqual(strange);
    expect(await verdictOn(await withMore({ crls: [rawCrl(party('Anybody'))] }))).toEqual(strange);
    const certificate = issueTo(party('Stranger'), party('Nobody'));
    expect(await verdictOn(await withMore({ certificates: [certificate] }))).toEqual(strange);
  });

  it('is signed by the key of its authority, not only in its name', async () => {
    const { signer } = (await ceremonyCast()).issuing;
    const { certificate } = cast.issuing;
    const forged = await listOf({ signer, certificate });
    expect(await verdictOn(await withMore({ crls: [forged] }))).toEqual(strange);
  });

  it('is well-formed', async () => {
    const broken = ['TOTAL-FAILED', 'revocation FORMAT_FAILURE'];
    expect(await verdictOn(await withMore({ crls: [latin1('0\x03\x02\x01\x05')] }))).toEqual(broken);
    expect(await verdictOn(await withMore({ ocsps: [latin1('0\x03\x0a\x01\x06')] }))).toEqual(broken);
  });

  it('says too little where a list is missing or stale: the bundle answers then', async () => {
    const { certificates, crls } = await evidenceOf(cast);
    const silent = [...passed, 'revocation not-checked'];
    const evidence = { certificates, crls: crls.slice(0, 1), ocsps: [] };
    expect(await verdictOn(await archived(issued, cast, { evidence }))).toEqual(silent);
    const stale = await evidenceOf(cast, {
      thisUpdate: later(times.issue, -9),
      nextUpdate: later(times.issue, -1),
    });
    expect(await verdictOn(await archived(issued, cast, { evidence: stale }))).toEqual(silent);
  });
});

const catalogOf = ({ catalog }: IncrementalUpdate) => new Map(catalog);
const setInPage = (update: IncrementalUpdate, entries: Record<string, PdfObject>): void =>
  update.replace(
    update.page(0),
    new Map([...(update.dict(update.page(0)) ?? []), ...Object.entries(entries)]),
  );
const annotation = (update: IncrementalUpdate, entries: Record<string, PdfObject>): PdfRef =>
  update.add(
    new Map<string, PdfObject>(Object.entries({ Type: 'Annot', Rect: [0, 0, 500, 800], ...entries })),
  );
const addAnnotation = (update: IncrementalUpdate, reference: PdfRef): void => {
  const held = update.array(update.dict(update.page(0))?.get('Annots'));
  setInPage(update, { Annots: [...held, reference] });
};
const cover = latin1(
  '<</Type /XObject /Subtype /Form /BBox [0 0 600 900] /Length 26>>\nstream\n1 1 1 rg 0 0 600 900 re f\n\nendstream',
);

/** By the names of those who published them: Mladenov and others 2019, Mainka and others 2021, Rohlmann and others 2021. */
const attacks: Readonly<Record<string, (update: IncrementalUpdate) => void>> = {
  'evil annotation: text over the page': (update) =>
    addAnnotation(update, annotation(update, { Subtype: 'FreeText', Contents: textObject('1 000 000 €') })),
  'evil annotation: a stamp that hides': (update) =>
    addAnnotation(
      update,
      annotation(update, { Subtype: 'Stamp', AP: new Map([['N', update.addStream(cover)]]) }),
    ),
  'evil annotation: one that was taken away': (update) => setInPage(update, { Annots: [] }),
  'sneaky signature: a field that shows something': (update) => {
    const field = annotation(update, {
      Subtype: 'Widget',
      FT: 'Sig',
      T: textObject('Shown'),
      F: 132,
      AP: new Map([['N', update.addStream(cover)]]),
    });
    const form = new Map(update.dict(update.catalog.get('AcroForm')));
    form.set('Fields', [...update.array(form.get('Fields')), field]);
    update.setInCatalog({ AcroForm: form });
    addAnnotation(update, field);
  },
  'shadow, hide: the page shows other content': (update) =>
    setInPage(update, { Contents: update.addStream(latin1('<</Length 0>>\nstream\n\nendstream')) }),
  'shadow, replace: another font': (update) => {
    const { reference, font } = firstFont(update);
    update.replace(reference, new Map([...font, ['BaseFont', 'Helvetica']]));
  },
  'shadow, replace: a form field that is filled': (update) => {
    const field = update.add(
      new Map<string, PdfObject>([
        ['FT', 'Tx'],
        ['T', textObject('x')],
        ['V', textObject('y')],
      ]),
    );
    const form = new Map(update.dict(update.catalog.get('AcroForm')));
    form.set('Fields', [...update.array(form.get('Fields')), field]);
    update.setInCatalog({ AcroForm: form });
  },
  'shadow, hide and replace: another page tree': (update) =>
    update.setInCatalog({
      Pages: update.add(
        new Map<string, PdfObject>([
          ['Type', 'Pages'],
          ['Kids', [update.page(0), update.page(0)]],
          ['Count', 2],
        ]),
      ),
    }),
  'incremental saving: an object that nothing uses': (update) => void update.add(new Map([['Hidden', true]])),
  'incremental saving: a script at opening': (update) =>
    update.setInCatalog({
      OpenAction: new Map<string, PdfObject>([
        ['S', 'JavaScript'],
        ['JS', textObject('1')],
      ]),
    }),
  'incremental saving: other metadata': (update) =>
    update.setInCatalog({
      Metadata: update.addStream(latin1('<</Type /Metadata /Subtype /XML /Length 0>>\nstream\n\nendstream')),
    }),
  'incremental saving: layers': (update) => update.setInCatalog({ OCProperties: new Map() }),
  'incremental saving: a turned page': (update) => setInPage(update, { Rotate: 180 }),
  'certification: the permissions are other ones': (update) => update.setInCatalog({ Perms: new Map() }),
  'certification: an XFA form': (update) =>
    update.setInCatalog({
      AcroForm: new Map([...(update.dict(catalogOf(update).get('AcroForm')) ?? []), ['XFA', []]]),
    }),
  'wrapping: the signature field points elsewhere': (update) => {
    const [first] = update.array(update.dict(update.catalog.get('AcroForm'))?.get('Fields'));
    const field = new Map(update.dict(first));
    field.set('V', update.add(new Map<string, PdfObject>([['Type', 'Sig']])));
    if (first instanceof PdfRef) update.replace(first, field);
  },
  'wrapping: another file in the place of an attachment': (update) => {
    const [first] = update.array(update.catalog.get('AF'));
    if (first instanceof PdfRef)
      update.replace(first, new Map([...(update.dict(first) ?? []), ['Desc', textObject('x')]]));
  },
  'the store: in the place of a font': (update) => {
    const { reference } = firstFont(update);
    update.replace(reference, new Map([['Type', 'DSS']]));
    update.setInCatalog({ DSS: reference });
  },
  'the store: something else in it': (update) =>
    update.setInCatalog({
      DSS: update.add(
        new Map<string, PdfObject>([
          ['Type', 'DSS'],
          ['Hidden', update.addStream(cover)],
        ]),
      ),
    }),
  'the store: what is no stream': (update) =>
    update.setInCatalog({
      DSS: update.add(
        new Map<string, PdfObject>([
          ['Type', 'DSS'],
          ['CRLs', [1]],
        ]),
      ),
    }),
};

function firstFont(update: IncrementalUpdate) {
  const resources = update.dict(update.dict(update.page(0))?.get('Resources'));
  const [reference] = [...(update.dict(resources?.get('Font')) ?? new Map<string, PdfObject>()).values()];
  if (!(reference instanceof PdfRef)) throw new RangeError('a page without a font');
  return { reference, font: update.dict(reference) ?? new Map<string, PdfObject>() };
}

describe('an attacker who can have a time-stamp over anything', () => {
  it('adds a timestamp and no more', async () => {
    expect(await verdictOn(await evilUpdate(issued, cast, () => {}))).toEqual(passed);
  });

  it.each(Object.entries(attacks))('cannot add %s', async (_, change) => {
    for (const file of [issued, lasting]) {
      const verdict = await verdictOn(await evilUpdate(file, cast, change));
      expect(verdict.slice(0, 2)).toEqual(structure);
    }
  });

  it('cannot take validation data or a timestamp away', async () => {
    const without = (key: string) => (update: IncrementalUpdate) => {
      const catalog = catalogOf(update);
      catalog.delete(key);
      const root = update.file.revisions.at(-1)?.trailer.get('Root');
      if (root instanceof PdfRef) update.replace(root, catalog);
    };
    for (const key of ['DSS', 'AcroForm', 'Perms', 'AF'])
      expect((await verdictOn(await evilUpdate(lasting, cast, without(key)))).slice(0, 2)).toEqual(structure);
    const emptied = await evilUpdate(lasting, cast, (update) => {
      const held = update.catalog.get('DSS');
      if (held instanceof PdfRef) update.replace(held, new Map<string, PdfObject>([['Type', 'DSS']]));
    });
    expect((await verdictOn(emptied)).slice(0, 2)).toEqual(structure);
    const unstamped = await evilUpdate(lasting, cast, (update) => {
      const form = new Map(update.dict(update.catalog.get('AcroForm')));
      const fields = update.array(form.get('Fields'));
      form.set('Fields', [fields[0] as PdfObject, ...fields.slice(2)]);
      update.setInCatalog({ AcroForm: form });
    });
    expect((await verdictOn(unstamped)).slice(0, 2)).toEqual(structure);
  });

  it('cannot sign or wrap a second time over the first revision', async () => {
    const file = readPdf(issued);
    const [{ byteRange, contents }] = readSignatures(file) as [ReturnType<typeof readSignatures>[number]];
    const copy = `<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [${byteRange?.join(' ')}] /Contents <${Buffer.from(contents ?? []).toString('hex')}>>>`;
    const wrapped = update(issued, { 9000: copy }, rootOf(issued));
    expect((await verdictOn(wrapped)).slice(0, 2)).toEqual(structure);
  });

  it('cannot save without a timestamp what is more than validation data', async () => {
    for (const body of ['<</Type /Annot>>', '[1 2 3]', '(text)'])
      expect((await verdictOn(update(lasting, { 9000: body }, rootOf(lasting)))).slice(0, 2)).toEqual(
        structure,
      );
  });
});

function rootOf(pdf: Uint8Array) {
  const root = readPdf(pdf).revisions.at(-1)?.trailer.get('Root');
  return { root: root instanceof PdfRef ? root.num : 0, size: 9001 };
}

describe('a further signature', () => {
  const documentSigning = ['1.3.6.1.5.5.7.3.36'];
  const counterSigned = (file: Uint8Array, by: Cast, signer = by.document, tsa = by.tsa) =>
    addSignature(file, {
      field: 'Counter',
      place: { name: 'Maître OBAME', reason: 'Contreseing', location: 'Libreville', reserve: 8192 },
      time: times.issue,
      cms: (covered) => signatureOf({ ...by, document: signer, tsa }, covered),
    });

  it('by a signer of the bundle passes, breaks nothing, and is named', async () => {
    for (const file of [issued, lasting]) {
      const report = await verify(await counterSigned(file, cast));
      expect(verdict(report)).toEqual(passed);
      expect(report.furtherSignatures).toEqual([
        { signer: report.signer, signedAt: times.issue.toISOString() },
      ]);
    }
  });

  it('passes too with a document timestamp over it', async () => {
    const file = await archived(await counterSigned(lasting, cast), cast, {
      stamps: stampsOf(cast.tsa, nextWeek),
    });
    const report = await verify(file);
    expect(verdict(report)).toEqual(passed);
    expect(report.level).toBe('B-LTA');
  });

  it('by a person under the authority passes where their certificate is for documents', async () => {
    const made = shapedCast({ document: { extendedKeyUsage: documentSigning } });
    const { file } = await makeDocument(made);
    const post = await trustOf(made);
    const clerk = (extendedKeyUsage: readonly string[]) => {
      const self = party('Clerk');
      const issuer = { ...party('Issuing'), privateKey: made.issuingKey };
      return {
        ...signerOf(self),
        key: self.privateKey,
        certificate: issueTo(issuer, self, { extendedKeyUsage }),
        chain: made.authorities,
      };
    };
    const passes = await counterSigned(file, made, clerk(documentSigning));
    expect(await verdictOn(passes, post)).toEqual(passed);
    expect((await verify(passes, post)).furtherSignatures).toEqual([
      { signer: 'Clerk', signedAt: times.issue.toISOString() },
    ]);
    const refused = await counterSigned(file, made, clerk(['1.3.6.1.5.5.7.3.2']));
    expect((await verdictOn(refused, post))[1]).toBe('further-signature CHAIN_CONSTRAINTS_FAILURE');
  });

  it('by a stranger refuses the document', async () => {
    const stranger = await ceremonyCast();
    const signed = await counterSigned(issued, cast, stranger.document);
    expect((await verdictOn(signed))[0]).toBe('INDETERMINATE');
    expect((await verdictOn(signed))[1]).toBe('further-signature CHAIN_CONSTRAINTS_FAILURE');
    const stamped = await counterSigned(issued, cast, cast.document, stranger.tsa);
    expect((await verdictOn(stamped))[1]).toBe('further-signature NO_CERTIFICATE_CHAIN_FOUND');
  });

  it('that is damaged refuses the document', async () => {
    const signed = await counterSigned(issued, cast);
    for (let at = issued.length + 10; at < signed.length; at += 301)
      expect((await verify(flipped(signed, at, 1))).indication).not.toBe('TOTAL-PASSED');
  });
});
