import { describe, expect, it } from 'vitest';
import messages from '../../../templates/messages/foreign.json' with { type: 'json' };
import { party } from '../../pki/fixture.ts';
import { readVectors, vectorsFolder } from '../../vectors.ts';
import { healthText, idbText, tokenText, twoDDocText, vdsBytes, vdsNcText } from './fixture.ts';
import { readForeign } from './read.ts';
import { type ForeignLanguage, foreignReport } from './report.ts';
import { twoDDocFields, twoDDocTypes } from './two-d-doc.ts';
import type { ForeignVerdict } from './verify.ts';

const { privateKey } = party('signer');
const valid: ForeignVerdict = { status: 'VALID', signature: 'valid' };
const report = (text: string, language: ForeignLanguage = 'en', verdict: ForeignVerdict = valid) =>
  foreignReport(readForeign(text), verdict, language);

describe('what a clerk reads', () => {
  it('of a 2D-Doc names its fields by the catalogue, with days and numbers as people write them', () => {
    const text = twoDDocText(
      privateKey,
      '10M/EXEMPLE/HENRY\u001d53123154124F5515032012581319,24\u001d1G1ZZ?\u001e',
    );
    expect(report(text, 'fr')).toEqual({
      system: 'Cachet 2D-Doc',
      issuer: 'FR',
      kind: 'Bulletin de salaire',
      verdict: expect.stringMatching(/^Le signataire est dans vos listes de confiance/),
      headline: expect.stringMatching(
        /^CACHET TIERS AUTHENTIQUE .* : Cachet 2D-Doc, France \(FR\), Bulletin de salaire ; /,
      ),
      fields: [
        { label: 'Bénéficiaire de la prestation (qualité, nom, prénom)', value: 'M/EXEMPLE/HENRY' },
        { label: 'Début de période', value: '01/10/2012' },
        { label: 'Fin de période', value: '31/10/2012' },
        { label: 'Date de début de contrat', value: '15/03/2012' },
        { label: 'Salaire net imposable', value: '1319,24' },
        { label: 'Présence d’un co-bénéficiaire non mentionné dans le code', value: 'oui' },
        { label: 'Donnée ZZ', value: '? (tronqué)' },
        { label: 'Délivré le', value: '07/12/2025' },
        { label: 'Signé le', value: '07/12/2025' },
      ],
    });
    expect(report(text).fields[1]).toEqual({ label: 'Beginning of the period', value: '2012-10-01' });
  });

  it('of an annex says that nobody vouches for it', () => {
    const { fields } = report(`${twoDDocText(privateKey)}\u001d01FRAUDE`);
    expect(fields).toContainEqual({ label: 'Unsigned annex: Unique document identifier', value: 'FRAUDE' });
  });

  it('of a health certificate has words for its codes', () => {
    const { kind, issuer, fields } = report(healthText(privateKey, new Uint8Array(8)), 'fr');
    expect([kind, issuer]).toEqual(['Rétablissement', 'AT']);
    expect(fields).toContainEqual({ label: 'Maladie', value: 'COVID-19' });
    expect(fields).toContainEqual({ label: 'Premier test positif', value: '20/02/2021' });
  });

  it('of an ICAO seal takes the machine-readable zone apart', () => {
    const seal = readForeign('', vdsBytes(privateKey));
    const { kind, fields } = foreignReport(seal, valid, 'en');
    expect(kind).toBe('Residence permit (Germany)');
    expect(fields).toContainEqual({ label: 'Passport number', value: 'UFO001979' });
    expect(fields).toContainEqual({ label: 'Family name', value: 'RESIDORCE' });
    expect(fields).toContainEqual({ label: 'Nationality', value: 'USA' });
  });

  it('of the others names what they name', () => {
    expect(report(vdsNcText(privateKey, new Uint8Array()))).toMatchObject({
      kind: 'Proof of vaccination',
      issuer: 'UTO',
      fields: [{ label: 'Name', value: 'EXEMPLE' }],
    });
    expect(report(idbText())).toMatchObject({
      kind: 'Document number',
      fields: [{ label: 'Document number', value: 'ABC123' }],
    });
    const identity = new Map<number, unknown>([
      [4, 'Exemple'],
      [8, '19900101'],
      [9, 2],
      [62, new Map([[0, new Uint8Array(6)]])],
    ]);
    const token = new Map<number, unknown>([
      [1, 'https://id.example'],
      [4, 1_800_000_000],
      [169, identity],
    ]);
    expect(report(tokenText(token, privateKey))).toMatchObject({
      kind: 'Identity',
      issuer: 'https://id.example',
      fields: [
        { label: 'Full name', value: 'Exemple' },
        { label: 'Date of birth', value: '1990-01-01' },
        { label: 'Sex', value: 'female' },
        { label: 'Biometric data', value: '6 bytes' },
        { label: 'Valid until', value: '2027-01-15' },
      ],
    });
  });

  it('shows no control characters and nothing that turns the direction of writing', () => {
    const identity = new Map<number, unknown>([[4, 'Ex\u202eemple\n\u001b[31m']]);
    const [field] = report(tokenText(new Map([[169, identity]]), privateKey)).fields;
    expect(field?.value).toBe('Ex\ufffdemple\ufffd\ufffd[31m');
  });

  it('has a sentence for every verdict in both languages', () => {
    const reasons = Object.keys(messages).filter(
      (key) => /^verdict\.[A-Z_]+$/.test(key) && !/VALID$|FEATURE$/.test(key),
    );
    expect(reasons.length).toBe(12);
    for (const key of reasons) {
      const subIndication = key.slice('verdict.'.length) as 'EXPIRED';
      const verdict: ForeignVerdict = {
        status: 'INVALID',
        subIndication,
        signature: 'not-checked',
        detail: 'X',
      };
      for (const language of ['fr', 'en'] as const)
        expect(foreignReport('vds', verdict, language).headline).toMatch(/VDS\) ?: \p{Ll}.*\.$/u);
    }
  });

  it('of a seal that could not be read names its system and says why', () => {
    const verdict: ForeignVerdict = {
      status: 'INVALID',
      subIndication: 'WRONG_FORMAT',
      signature: 'not-checked',
      detail: 'the seal is cut',
    };
    expect(foreignReport('2d-doc', verdict, 'en')).toEqual({
      system: '2D-Doc seal',
      issuer: '',
      kind: '',
      fields: [],
      verdict: 'the seal does not follow its standard (the seal is cut).',
      headline: '2D-Doc seal: the seal does not follow its standard (the seal is cut).',
    });
  });

  it.skipIf(!vectorsFolder())('names every field and kind of document of the reference codes', () => {
    const { vectors } = readVectors('2ddoc/2ddoc.json');
    for (const { id, documentType, expected } of vectors) {
      if (!expected.fields) continue;
      expect(twoDDocTypes[documentType], id).toBeDefined();
      for (const [name] of expected.fields) expect(twoDDocFields[name], `${id} ${name}`).toBeDefined();
    }
  });
});
