// What the page of the API does beyond showing text: search, values for the samples, copying, and requests on a laptop.
// It runs in the browser as it stands here; the page is complete without it.

const values = { API: location.origin };
// `npm start` prints the address with this token, which opens the demo shop to its reader alone.
const demoToken = new URLSearchParams(location.hash.slice(1)).get('demo') ?? sessionStorage.getItem('demo');
if (demoToken) sessionStorage.setItem('demo', demoToken);
if (location.hash.startsWith('#demo=')) history.replaceState(null, '', location.pathname);
const onLaptop = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const known = (name) => (name === 'FRESH' ? crypto.randomUUID() : values[name]);
const filled = (text) => text.replace(/\{\{(\w+)\}\}/g, (_, name) => known(name) ?? `$${name}`);

/** Shows the values that are known in every sample. */
function showValues() {
  for (const shown of all('var[data-value]')) {
    const value = known(shown.dataset.value);
    if (value !== undefined) shown.textContent = value;
  }
}

// Search: operations whose name, path or text has every word.
const search = document.getElementById('search');
const entries = all('nav li').map((item) => {
  const article = document.getElementById(item.querySelector('a').hash.slice(1));
  const text = [...all('h3, .endpoint, p', article)].map((each) => each.textContent).join(' ');
  return { item, group: item.closest('details'), text: `${item.textContent} ${text}`.toLowerCase() };
});
search.closest('p').hidden = false;
if (matchMedia('(max-width: 52rem)').matches) for (const { group } of entries) group.open = false;
search.addEventListener('input', () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { item, text } of entries) {
    item.hidden = !words.every((word) => text.includes(word));
    if (!item.hidden) found++;
  }
  for (const { group } of entries) {
    group.hidden = all('li', group).every((item) => item.hidden);
    if (words.length > 0) group.open = true;
  }
  document.getElementById('found').textContent = words.length === 0 ? '' : `${found} found`;
});
search.addEventListener('keydown', (event) => {
  if (event.key === 'Enter')
    entries
      .find(({ item }) => !item.hidden)
      ?.item.querySelector('a')
      .click();
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
  event.preventDefault();
  search.focus();
});

// Copying: what is shown, with new idempotency keys.
for (const pre of all('main pre')) {
  const button = make('button', { type: 'button', className: 'copy', textContent: 'Copy' });
  button.addEventListener('click', async () => {
    for (const fresh of all('var[data-value="FRESH"]', pre)) fresh.textContent = crypto.randomUUID();
    await navigator.clipboard.writeText(pre.querySelector('code').textContent);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1500);
  });
  const frame = make('div', { className: 'frame' });
  pre.replaceWith(frame);
  frame.append(pre, button);
}

// The language that is opened once is open everywhere.
for (const summary of all('.samples summary')) {
  summary.addEventListener('click', () => {
    const own = summary.parentElement;
    if (own.open) return;
    for (const other of all(`.samples details[data-language="${own.dataset.language}"]`)) {
      // The click itself opens its own.
      if (other !== own) other.open = true;
    }
  });
}

// Values: typed in, or those of the demo shop on a laptop.
const form = document.getElementById('values');
form.hidden = false;
for (const input of all('input', form)) {
  input.addEventListener('input', () => {
    values[input.name] = input.value.trim() || undefined;
    showValues();
  });
}
function setValues(given) {
  Object.assign(values, given);
  for (const input of all('input', form)) input.value = values[input.name] ?? '';
  showValues();
}
async function ask(method, path, headers = {}, body = undefined) {
  const response = await fetch(path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`);
  return response.json();
}
async function fillInDemo() {
  if (!demoToken) throw new Error('open the address that npm start printed');
  const demo = await ask('GET', '/docs/laptop.json', { 'Demo-Token': demoToken });
  const product = demo.products[0].id;
  const { token, customerId } = await ask('POST', '/sessions', { 'Client-Id': demo.clientId }, demo.customer);
  const mine = { Authorization: `Bearer ${token}` };
  const { data: orders } = await ask('GET', '/orders?limit=1&status=confirmed', mine);
  const placed = { ...mine, 'Idempotency-Key': crypto.randomUUID(), Prefer: 'wait=10' };
  const basket = { lines: [{ productId: product, quantity: 1 }], paymentMethod: 'pm_card_visa' };
  const order = orders[0] ?? (await ask('POST', '/orders', placed, basket));
  const office = { Authorization: `Bearer ${demo.appKey}` };
  const { data: applications } = await ask('GET', '/applications?limit=100', office);
  const server = applications.findLast(({ kind }) => kind === 'server');
  const { keys } = await ask('GET', `/applications/${server.id}`, office);
  const { data: sessions } = await ask('GET', '/sessions', mine);
  setValues({
    ...{ CLIENT_ID: demo.clientId, APP_KEY: demo.appKey, TOKEN: token },
    ...{ prd: product, ord: order.id, cus: customerId, app: server.id, ses: sessions[0]?.id, key: keys[0]?.id },
  });
}
const told = document.getElementById('values-status');
const fill = document.getElementById('fill');
fill.hidden = !onLaptop;
fill.addEventListener('click', async () => {
  fill.disabled = true;
  told.textContent = 'Signing in …';
  try {
    await fillInDemo();
    told.textContent = 'The samples work now: they have the ids and keys of the demo shop.';
  } catch (error) {
    told.textContent = `That did not work: ${error.message}.`;
  }
  fill.disabled = false;
});

// Requests from this page, to the laptop that it comes from.
function tryIt(article) {
  const request = JSON.parse(article.dataset.request);
  const field = (name, control) => make('label', {}, make('span', { textContent: name }), control);
  const path = make('input', { value: filled(request.path), spellcheck: false });
  const body =
    request.body === undefined
      ? undefined
      : make('textarea', { value: filled(JSON.stringify(request.body, undefined, 2)), rows: 8, spellcheck: false });
  const answer = make('pre', { tabIndex: 0, hidden: true });
  answer.setAttribute('role', 'status');
  const send = make('button', { type: 'submit', textContent: `Send ${request.method}` });
  const panel = make('form', { className: 'try' }, field('Path', path));
  if (body !== undefined) panel.append(field('Body', body));
  panel.append(send, answer);
  panel.addEventListener('submit', async (event) => {
    event.preventDefault();
    send.disabled = true;
    const fresh = request.fresh.map((name) => [name, crypto.randomUUID()]);
    const headers = Object.entries(request.headers).map(([name, value]) => [name, filled(value)]);
    try {
      const response = await fetch(path.value, {
        method: request.method,
        headers: Object.fromEntries([...headers, ...fresh]),
        ...(body === undefined ? {} : { body: body.value }),
      });
      const text = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      answer.textContent = `${response.status} ${response.statusText}\n${isJson && text ? JSON.stringify(JSON.parse(text), undefined, 2) : text}`;
    } catch (error) {
      answer.textContent = String(error);
    }
    answer.hidden = false;
    send.disabled = false;
  });
  return panel;
}
if (onLaptop) {
  for (const article of all('article[data-request]')) {
    const button = make('button', { type: 'button', className: 'open-try', textContent: 'Try it here' });
    button.addEventListener('click', () => button.replaceWith(tryIt(article)));
    article.querySelector('.samples').after(button);
  }
}

showValues();
