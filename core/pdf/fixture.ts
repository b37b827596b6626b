import { fileURLToPath } from 'node:url';
import QRCode from 'qrcode';
import { readFonts } from '../issuance/font-folder.ts';
import { compileTemplate } from './compile.ts';
import type { DocumentInput } from './document.ts';
import type { DocumentRecord } from './record.ts';
import type { QrSymbol } from './seal-form.ts';
import { type CompiledTemplate, defaultRepertoire } from './template.ts';

export const fonts = readFonts(fileURLToPath(new URL('../../templates/fonts', import.meta.url)));

let prepared: CompiledTemplate | undefined;

/** The template of the default repertoire, compiled once for a test file. */
export function preparedTemplate(): CompiledTemplate {
  prepared ??= compileTemplate({ fonts, repertoire: defaultRepertoire });
  return prepared;
}

/** Made-up documents for the tests of this room. */
export const priseEnCharge: DocumentRecord = {
  version: 1,
  type: 'prise-en-charge',
  number: 'PC-2026-000123',
  post: 'GA-PAR',
  template: { id: 'prise-en-charge', version: 1 },
  language: 'fr',
  title: 'Attestation de prise en charge PC-2026-000123',
  issuedAt: '2026-03-03T10:15:00Z',
  blocks: [
    {
      kind: 'letterhead',
      lines: ['RÉPUBLIQUE GABONAISE', 'Consulat général à Paris'],
    },
    { kind: 'title', text: 'Attestation de prise en charge', subtitle: 'N° PC-2026-000123' },
    {
      kind: 'paragraph',
      text: 'Le Consul général du Gabon à Paris atteste que la personne désignée ci-dessous s’est engagée, par déclaration signée et après examen de ses ressources, à prendre en charge les frais du bénéficiaire pendant la durée du séjour.',
    },
    { kind: 'heading', text: 'Garant' },
    {
      kind: 'rows',
      rows: [
        { field: 'garant.nom', label: 'Nom et prénoms', value: 'NDONG OBIANG Marie-Thérèse' },
        { field: 'garant.naissance', label: 'Née le', value: '14 juillet 1978 à Port-Gentil (Gabon)' },
        {
          field: 'garant.adresse',
          label: 'Adresse',
          value: '27, rue de l’Abbé-Grégoire, bâtiment C\n75006 Paris, France',
        },
        { field: 'garant.profession', label: 'Profession', value: 'Ingénieure hydraulicienne' },
      ],
    },
    { kind: 'heading', text: 'Bénéficiaire' },
    {
      kind: 'rows',
      rows: [
        { field: 'beneficiaire.nom', label: 'Nom et prénoms', value: 'ƝAMBA ŊOMA Ɔkɛlɛ Jean-François' },
        { field: 'beneficiaire.naissance', label: 'Né le', value: '2 février 2006 à Franceville (Gabon)' },
        {
          field: 'beneficiaire.passeport',
          label: 'Passeport',
          value: '12GA84521, valable jusqu’au 30 juin 2029',
        },
        { field: 'beneficiaire.lien', label: 'Lien avec le garant', value: 'Neveu' },
      ],
    },
    { kind: 'heading', text: 'Engagement' },
    {
      kind: 'rows',
      rows: [
        {
          field: 'motif',
          label: 'Motif du séjour',
          value: 'Études : licence de mathématiques, Sorbonne Université',
        },
        { field: 'periode', label: 'Période', value: 'Du 1er septembre 2026 au 31 août 2027' },
        {
          field: 'frais',
          label: 'Frais couverts',
          value: 'Logement, nourriture, scolarité, santé, voyage de retour',
        },
        { field: 'montant', label: 'Montant mensuel', value: '850,00\u202f€' },
      ],
    },
    {
      kind: 'paragraph',
      text: 'La présente attestation est délivrée pour servir et valoir ce que de droit. Elle est valable pendant la période indiquée. Toute fausse déclaration expose son auteur aux peines prévues par la loi. Son authenticité se vérifie en lisant le code ci-dessous.',
    },
    {
      kind: 'closing',
      placeAndDate: 'Fait à Paris, le 3 mars 2026',
      lines: ['Le Consul général', 'Jean-Baptiste MOUSSAVOU'],
    },
    {
      kind: 'seal',
      caption: [
        'Cachet électronique visible · Visible electronic seal',
        'Lisez ce code avec un téléphone pour vérifier ce document, même hors connexion.',
        'Scan this code with a phone to check this document, even offline.',
      ],
    },
  ],
  footer: 'Consulat général du Gabon à Paris · PC-2026-000123',
};

/** Names in several scripts, and a paragraph that reads from right to left. */
export const manyScripts: DocumentRecord = {
  ...priseEnCharge,
  blocks: [
    ...priseEnCharge.blocks.slice(0, 3),
    {
      kind: 'rows',
      rows: [
        { field: 'ar', label: 'Nom en arabe', value: 'محمد عبد السلام بن علي الأنصاري' },
        { field: 'el', label: 'Nom en grec', value: 'Ελευθέριος Παπαδόπουλος' },
        { field: 'ru', label: 'Nom en cyrillique', value: 'Фёдор Михайлович Щербаков' },
        { field: 'yo', label: 'Nom en yoruba', value: 'Adébáyọ̀ Ọlátúnjí Ẹ̀kọ́' },
        { field: 'mixed', label: 'Mixte', value: 'Jean, dit محمد, né en 1978' },
      ],
    },
    {
      kind: 'paragraph',
      text: 'يشهد القنصل العام بأن الشخص المذكور أدناه قد التزم، بموجب تصريح موقع وبعد فحص موارده، بتحمل نفقات المستفيد خلال مدة الإقامة من 2026 إلى 2027 في مدينة Paris.',
    },
    ...priseEnCharge.blocks.slice(-2),
  ],
};

/** A record with this value in a row, and nothing else that matters. */
export const recordWith = (value: string): DocumentRecord => ({
  ...priseEnCharge,
  blocks: [{ kind: 'rows', rows: [{ field: 'value', label: 'Valeur', value }] }],
});

/** The usual carrier: a URL of about 520 characters in alphanumeric mode makes version 14. */
export const sealText = `HTTPS://VERIFY.CONSULAT.GA/#${'A7K3M9QXZ2'.repeat(44)}`;

export function qrOf(text: string): QrSymbol {
  const code = QRCode.create(text, { errorCorrectionLevel: 'M' });
  return { size: code.modules.size, version: code.version, modules: Uint8Array.from(code.modules.data) };
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export function inputFor(record: DocumentRecord, qr: QrSymbol = qrOf(sealText)): DocumentInput {
  return {
    qr,
    attachments: [
      {
        name: 'record.json',
        mediaType: 'application/json',
        relationship: 'Source',
        description: 'All that is printed',
        bytes: text(JSON.stringify(record)),
      },
      {
        name: 'seal.cose',
        mediaType: 'application/cose',
        relationship: 'Data',
        description: 'The seal',
        bytes: Uint8Array.from({ length: 300 }, (_, i) => (i * 151) & 0xff),
      },
    ],
    created: new Date('2026-03-03T10:15:00Z'),
    documentId: Uint8Array.from({ length: 16 }, (_, i) => i),
    signature: { name: 'Jean-Baptiste MOUSSAVOU', reason: 'Délivrance', location: 'Paris' },
  };
}
