import messages from '../../templates/messages/receipt.json' with { type: 'json' };
import { toHex } from '../bytes.ts';
import type { Block, Row } from '../pdf/record.ts';
import type { Language, Post } from '../post.ts';
import { addDays, localDay } from '../procedures/calendar.ts';
import type { Procedure } from '../procedures/procedure.ts';
import type { RequestFile } from '../store/request.ts';
import type { Composed, Draft } from './draft.ts';

/** Kind of document and prefix of the numbers of receipts (preuves de dépôt). */
export const receiptType = 'recepisse';
const prefix = 'RD';
const template = { id: receiptType, version: 1 };
/** How long a receipt is shown as in force; what it proves stays proven. */
const validDays = 366;

type Values = Readonly<Record<string, string>>;

function say(language: Language, key: keyof typeof messages, values: Values = {}): string {
  return messages[key][language].replace(/\{(\w+)\}/g, (_match, name: string) => values[name] ?? '');
}

function dayAndTime(iso: string, language: Language, timeZone: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone }).format(
    new Date(iso),
  );
}

function day(date: Date, language: Language, timeZone: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone }).format(date);
}

/** `dueAt` is the midnight that ends the last day; the millisecond before is in that day. */
const lastDay = (dueAt: string): Date => new Date(new Date(dueAt).getTime() - 1);

/** Hexadecimal in groups, so that two people can compare it. */
const grouped = (hex: string): string => hex.replace(/(.{8})(?=.)/g, '$1 ');

/** The receipt of a request: what was deposited, when, and what is still owed. */
export function receiptDraft(
  { request, pieces }: RequestFile,
  procedure: Procedure,
  context: {
    readonly post: Post;
    readonly signatory: { readonly name: string; readonly quality: string };
    readonly dataDigest: Uint8Array;
  },
): Draft {
  const { post, signatory, dataDigest } = context;
  const { timeZone } = post;
  const language = request.language as Language;
  const label = (kind: string): string =>
    procedure.definition.pieces.find((piece) => piece.kind === kind)?.label[language] ?? kind;

  const compose = (number: string, statusIndex: number, issuedAt: Date): Composed => {
    const received = pieces.filter((piece) => piece.sha256 !== null);
    const owed = pieces.filter((piece) => piece.state === 'asked');
    const row = (key: keyof typeof messages, value: string): Row => ({
      field: key,
      label: say(language, key),
      value,
    });
    const blocks: Block[] = [
      { kind: 'letterhead', lines: [post.state[language], post.name[language]] },
      { kind: 'title', text: say(language, 'title'), subtitle: say(language, 'subtitle', { number }) },
      { kind: 'paragraph', text: say(language, 'intro') },
      { kind: 'heading', text: say(language, 'request') },
      {
        kind: 'rows',
        rows: [
          row('reference', request.reference),
          row('procedure', procedure.definition.title[language]),
          row('holder', request.holder),
          row('submittedAt', dayAndTime(request.submittedAt, language, timeZone)),
          ...(request.dueAt === null ? [] : [row('dueAt', day(lastDay(request.dueAt), language, timeZone))]),
          row(
            'state',
            owed.length === 0
              ? say(language, 'complete')
              : say(language, 'incomplete', { owed: owed.map(({ kind }) => label(kind)).join(', ') }),
          ),
          row('content', `SHA-256 ${grouped(toHex(dataDigest))}`),
        ],
      },
      { kind: 'heading', text: say(language, 'pieces') },
      received.length === 0
        ? { kind: 'paragraph', text: say(language, 'noPieces') }
        : {
            kind: 'rows',
            rows: received.map((piece) => ({
              field: `piece${piece.ordinal}`,
              label: say(language, 'piece', { label: label(piece.kind) }),
              value: say(language, 'pieceValue', {
                name: piece.name ?? piece.kind,
                digest: grouped(toHex(piece.sha256 ?? new Uint8Array())),
              }),
            })),
          },
      { kind: 'paragraph', text: say(language, 'keep') },
      {
        kind: 'closing',
        placeAndDate: say(language, 'placeAndDate', {
          city: post.city,
          date: day(issuedAt, language, timeZone),
        }),
        lines: [signatory.quality, signatory.name],
      },
      {
        kind: 'seal',
        caption: [say(language, 'caption', { verifier: post.verifierHost }), say(language, 'captionOther')],
      },
    ];
    const issued = Math.floor(issuedAt.getTime() / 1000);
    const today = localDay(issuedAt, timeZone);
    return {
      record: {
        version: 1,
        type: receiptType,
        number,
        post: post.code,
        template,
        language,
        title: say(language, 'titleWithNumber', { number }),
        issuedAt: `${issuedAt.toISOString().slice(0, 19)}Z`,
        blocks,
        footer: say(language, 'footer', { post: post.name[language], number }),
      },
      claims: {
        issuer: post.country,
        issuedAt: issued,
        identity: { fullName: request.holder },
        document: {
          type: receiptType,
          number,
          post: post.code,
          statusIndex,
          extra: new Map([[8, request.reference]]),
        },
      },
      validFrom: today,
      validUntil: addDays(today, validDays),
    };
  };
  return { reference: request.reference, type: receiptType, prefix, language, compose };
}
