// Does with Twilio's library for Node what each line of the input asks, and answers in a line:
// `{"ask", ...}` to `{"answer"}`, to `{"refused"}` where the library throws its own exception
// for an answer of Twilio's, and to `{"failed"}` where it throws anything else.
"use strict";

const readline = require("node:readline");
const twilio = require("twilio");

const toCamel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const toSnake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

let client;

/** A form as web frameworks hand it over: a name has a value, or a list of them. */
function form(pairs) {
  const fields = {};
  for (const [name, value] of pairs) {
    if (Object.hasOwn(fields, name)) {
      fields[name] = [].concat(fields[name], value);
    } else {
      fields[name] = value;
    }
  }
  return fields;
}

/** What the library has read of a call. A date is marked: it is no longer text. */
function told(call) {
  const fields = Object.entries(call.toJSON());
  const plain = (value) =>
    value instanceof Date ? { date: value.toISOString().replace(".000", "") } : value;
  return Object.fromEntries(fields.map(([name, value]) => [toSnake(name), plain(value)]));
}

/** Arguments as the library names them, with dates where they are marked. */
function options(args) {
  const real = (value) => (value && value.date ? new Date(value.date) : value);
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [toCamel(name), real(value)]),
  );
}

/** The SIDs on each page, as the library goes from one to the next. */
async function pages(args, most) {
  const found = [];
  let page = await client.calls.page(options(args));
  while (page && found.length < most) {
    found.push(page.instances.map((call) => call.sid));
    page = await page.nextPage();
  }
  return found;
}

const ANSWERS = {
  sign: ({ forms }) =>
    forms.map(({ token, url, params }) =>
      twilio.getExpectedTwilioSignature(token, url, form(params)),
    ),
  validate: ({ forms }) =>
    forms.map(({ token, url, params, signature }) =>
      twilio.validateRequest(token, signature, url, form(params)),
    ),
  connect: ({ origin, user, secret, account }) => {
    client = new twilio.Twilio(user, secret, { accountSid: account, timeout: 15_000 });
    client.api.baseUrl = origin;
  },
  create: async ({ args }) => told(await client.calls.create(options(args))),
  fetch: async ({ sid }) => told(await client.calls(sid).fetch()),
  update: async ({ sid, args }) => told(await client.calls(sid).update(options(args))),
  list: async ({ args }) => (await client.calls.list(options(args))).map(told),
  pages: async ({ args, most }) => pages(args, most),
};

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    let answer;
    try {
      answer = { answer: await ANSWERS[question.ask](question) };
    } catch (error) {
      const { status, code, message } = error;
      const isTheirs = error instanceof twilio.RestException;
      answer = isTheirs ? { refused: { status, code, message } } : { failed: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

main();
