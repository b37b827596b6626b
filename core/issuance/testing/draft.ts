import { examplePost } from '../../../fixtures/post.ts';
import { localDay } from '../../procedures/calendar.ts';
import type { Procedure } from '../../procedures/procedure.ts';
import type { Draft } from '../draft.ts';

// For tests only: documents that are as small as a document can be, and the one move of their workflow.

const { timeZone } = examplePost;

export const simple = 'simple';

export function someDraft(reference: string, type: string = simple): Draft {
  return {
    reference,
    type,
    prefix: type.slice(0, 2).toUpperCase(),
    language: 'fr',
    compose: (number, statusIndex, issuedAt) => {
      const seconds = Math.floor(issuedAt.getTime() / 1000);
      const expires = seconds + 365 * 86_400;
      return {
        record: {
          version: 1,
          type,
          number,
          post: 'GA-PAR',
          template: { id: type, version: 1 },
          language: 'fr',
          title: `Attestation ${number}`,
          issuedAt: `${issuedAt.toISOString().slice(0, 19)}Z`,
          blocks: [
            { kind: 'title', text: 'Attestation', subtitle: `N° ${number}` },
            { kind: 'rows', rows: [{ field: 'demande', label: 'Demande', value: reference }] },
            { kind: 'seal', caption: ['Cachet électronique visible'] },
          ],
          footer: number,
        },
        claims: {
          issuer: 'GA',
          issuedAt: seconds,
          notBefore: seconds,
          expires,
          identity: { fullName: 'NDONG Awa' },
          document: { type, number, post: 'GA-PAR', statusIndex },
        },
        privateFields: ['demande'],
        validFrom: localDay(issuedAt, timeZone),
        validUntil: localDay(new Date(expires * 1000), timeZone),
      };
    },
  };
}

/** All that issuing looks at. */
export const procedures: ReadonlyMap<string, Procedure> = new Map([
  [
    simple,
    {
      id: simple,
      definition: { workflow: { moves: [{ from: ['accepted'], to: 'issued', by: ['system'] }] } },
    } as unknown as Procedure,
  ],
]);
