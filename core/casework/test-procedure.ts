import { loadProcedures, type Procedures } from '../procedures/load.ts';

// For tests only: the smallest procedure that has everything that casework looks at.

const words = (text: string): string => `{ fr: ${text}, en: ${text} }`;

const common = `
fields:
  name: { type: string, format: line, x-label: ${words('Name')} }
workflows:
  usual:
    initial: draft
    moves:
      - { from: [draft], to: submitted, by: [citizen, reception] }
      - { from: [submitted], to: incomplete, by: [reception, instruction, system] }
      - { from: [incomplete], to: submitted, by: [system] }
      - { from: [submitted], to: in-instruction, by: [reception, instruction] }
      - { from: [in-instruction], to: waiting-for-citizen, by: [instruction] }
      - { from: [waiting-for-citizen], to: in-instruction, by: [system] }
      - { from: [in-instruction], to: waiting-for-authority, by: [instruction] }
      - { from: [in-instruction], to: waiting-for-appointment, by: [instruction] }
      - { from: [waiting-for-authority, waiting-for-appointment], to: in-instruction, by: [instruction] }
      - { from: [waiting-for-authority, waiting-for-appointment], to: waiting-for-citizen, by: [instruction] }
      - { from: [submitted, in-instruction], to: accepted, by: [decision], demands: [complete] }
      - { from: [incomplete, waiting-for-citizen], to: accepted, by: [decision], demands: [complete, reason] }
      - { from: [submitted, incomplete, in-instruction, waiting-for-citizen], to: refused, by: [decision], demands: [reason] }
      - { from: [accepted], to: issued, by: [signature], demands: [document] }
      - { from: [issued], to: handed-over, by: [reception] }
      - { from: [handed-over, refused], to: closed, by: [reception, system] }
      - from: [submitted, incomplete, in-instruction, waiting-for-citizen, waiting-for-authority, waiting-for-appointment, accepted]
        to: withdrawn
        by: [citizen]
      - from: [submitted, incomplete, in-instruction, waiting-for-citizen, waiting-for-authority, waiting-for-appointment, accepted]
        to: cancelled
        by: [head-of-post]
        demands: [reason]
      - { from: [incomplete, waiting-for-citizen], to: expired, by: [system], demands: [reason] }
`;

const procedure = `
id: simple
version: 3
title: ${words('Simple')}
summary: ${words('Simple')}
applicants: ${words('Anyone')}
prefix: SI
sla: { workingDays: 5 }
fee:
  categories: [{ id: normal, label: ${words('Normal')} }]
  amounts: { EUR: { normal: 0 } }
retention: { drafts: P90D, closed: P5Y, pieces: P1Y, identity: P6M }
workflow: usual
running:
  key: data.person.familyName
  figures: { amount: data.amount }
pieces:
  - kind: identity
    label: ${words('Identity')}
    files: { min: 1, max: 2 }
    types: [application/pdf, image/jpeg]
    maxBytes: 5000
    original: copy
  - kind: guest-identity
    label: ${words('Guest')}
    each: data.guests
    files: { min: 1, max: 1 }
    types: [application/pdf]
    maxBytes: 5000
    original: copy
`;

const form = `
$schema: https://json-schema.org/draft/2020-12/schema
type: object
x-pages: [{ id: all, title: ${words('All')}, fields: [person, amount, guests] }]
properties:
  person:
    type: object
    x-kind: person
    x-label: ${words('Person')}
    properties:
      familyName: { $ref: 'common#/name' }
      givenNames: { $ref: 'common#/name' }
      sex: { $ref: 'common#/name' }
      birth:
        type: object
        x-label: ${words('Birth')}
        properties:
          date: { type: string, format: partial-date, x-label: ${words('Date')} }
          place: { $ref: 'common#/name' }
          country: { type: string, format: country, x-label: ${words('Country')} }
        required: [date, place, country]
      nationality: { type: string, format: country, x-label: ${words('Nationality')} }
    required: [familyName, givenNames, sex, birth, nationality]
  amount: { type: integer, minimum: 0, maximum: 1000, x-label: ${words('Amount')} }
  guests:
    type: array
    minItems: 0
    maxItems: 3
    x-label: ${words('Guests')}
    items:
      type: object
      x-label: ${words('Guest')}
      properties: { name: { $ref: 'common#/name' } }
      required: [name]
required: [person, amount, guests]
`;

const rules = `
rules:
  - id: total
    severity: block
    require: data.amount + sum(running.map(r, r.amount)) <= 500.0
    fields: [/amount]
    message: ${words('The total is over 500.')}
  - id: round
    severity: warn
    require: data.amount != 13.0
    fields: [/amount]
    message: ${words('An unlucky amount.')}
`;

const document = `
template: { id: simple, version: 1 }
title: ${words('Simple')}
footer: ${words('Simple')}
validity: { from: today, until: today }
blocks:
  - title: ${words('Simple')}
    subtitle: ${words('Simple')}
  - closing:
      placeAndDate: ${words('Paris')}
      lines: [${words('Consul')}]
  - seal: [${words('Seal')}]
claims: { holder: data.person, include: [familyName] }
`;

export const procedures: Procedures = loadProcedures(
  new Map([
    ['common.yaml', common],
    ['simple/procedure.yaml', procedure],
    ['simple/form.yaml', form],
    ['simple/rules.yaml', rules],
    ['simple/document.yaml', document],
  ]),
);
