//<![CDATA[
'use strict';
/* Filter, search and what is open live in the fragment: #verdict=FAIL&requirement=SYNC-4&text=word&open=CASE/3/p12.
   Without this script everything is there all the same, and links lead to it. */
(function () {
  const byId = function (id) { return document.getElementById(id); };
  const all = function (selector, within) { return Array.from((within || document).querySelectorAll(selector)); };
  const form = byId('filter');
  if (!form) return;
  const fields = {
    verdict: byId('filter-verdict'), requirement: byId('filter-requirement'), text: byId('filter-text')
  };
  const cases = all('details.case');
  const rows = all('tr.requirement');
  const texts = new Map();

  function textOf(element) {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  }

  /* --- the fragment ---------------------------------------------------------------------------- */

  /* A plain anchor (#c/CASE) is what to open, too; the filter then stays as it is. */
  function read() {
    const fragment = location.hash.slice(1);
    if (fragment.indexOf('=') === -1) {
      const state = current();
      try { state.open = decodeURIComponent(fragment); } catch (_) { state.open = fragment; }
      return state;
    }
    const given = new URLSearchParams(fragment);
    const open = given.get('open') || '';
    return {
      verdict: given.get('verdict') || '', requirement: given.get('requirement') || '',
      text: given.get('text') || '', open: open ? 'c/' + open : ''
    };
  }

  function current() {
    return {verdict: fields.verdict.value, requirement: fields.requirement.value, text: fields.text.value, open: opened};
  }

  function write(state) {
    const parts = [];
    ['verdict', 'requirement', 'text'].forEach(function (key) {
      if (state[key]) parts.push(key + '=' + encodeURIComponent(state[key]));
    });
    if (state.open.indexOf('c/') === 0) parts.push('open=' + encodeURIComponent(state.open.slice(2)).replace(/%2F/g, '/'));
    const plain = state.open && parts.length === 0 ? state.open : '';
    history.replaceState(null, '', '#' + (parts.join('&') || plain));
  }

  /* --- the filter ------------------------------------------------------------------------------ */

  function has(list, word) {
    return !word || (' ' + list + ' ').indexOf(' ' + word + ' ') !== -1;
  }

  function filter(state) {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    const says = function (element) {
      return words.every(function (word) { return textOf(element).indexOf(word) !== -1; });
    };
    let shown = 0;
    cases.forEach(function (one) {
      one.hidden = !(has(one.dataset.verdicts, state.verdict) && has(one.dataset.requirements, state.requirement) && says(one));
      shown += one.hidden ? 0 : 1;
      all('.combination', one).forEach(function (c) {
        c.hidden = Boolean(state.verdict) && c.dataset.verdict !== state.verdict;
      });
    });
    rows.forEach(function (row) {
      row.hidden = !(has(row.dataset.verdicts, state.verdict) &&
        (!state.requirement || row.dataset.requirement === state.requirement) && says(row));
    });
    all('details.group').forEach(function (group) {
      group.hidden = all('tr.requirement', group).every(function (row) { return row.hidden; });
    });
    if (cases.length === 0) shown = rows.filter(function (row) { return !row.hidden; }).length;
    byId('filter-count').textContent = shown + ' of ' + (cases.length ? cases.length + ' ' + (form.dataset.what || 'cases') : rows.length + ' requirements');
    byId('nothing').hidden = shown > 0;
  }

  /* --- what is open ---------------------------------------------------------------------------- */

  let opened = '';

  function open(id, scroll) {
    all('.target').forEach(function (e) { e.classList.remove('target'); });
    all('.chosen').forEach(function (e) { e.classList.remove('chosen'); });
    opened = id;
    const target = id ? byId(id) : null;
    if (!target) return;
    for (let e = target; e; e = e.parentElement) {
      e.hidden = false;
      if (e.tagName.toLowerCase() === 'details') e.open = true;
    }
    const head = target.querySelector('summary') || target;
    head.classList.add('target');
    all('a[data-packet]').forEach(function (a) {
      if (a.getAttribute('href') === '#' + id) a.classList.add('chosen');
    });
    /* The ladder is wider than a phone: there the words come with it. */
    if (matchMedia('(max-width: 40rem)').matches) all('details.in-words', target).forEach(function (e) { e.open = true; });
    if (scroll) target.scrollIntoView({block: 'nearest'});
    if (scroll) head.focus({preventScroll: true});
  }

  function apply(scroll) {
    const state = read();
    fields.verdict.value = state.verdict;
    fields.requirement.value = state.requirement;
    fields.text.value = state.text;
    if (fields.verdict.selectedIndex === -1) fields.verdict.value = '';
    if (fields.requirement.selectedIndex === -1) fields.requirement.value = '';
    filter(state);
    open(state.open, scroll);
  }

  function changed() {
    const state = current();
    write(state);
    filter(state);
  }

  /* --- hands ----------------------------------------------------------------------------------- */

  document.addEventListener('click', function (event) {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    const to = link.getAttribute('href').slice(1);
    if (to.indexOf('=') !== -1) return;
    event.preventDefault();
    const state = current();
    state.open = to;
    open(to, true);
    write(state);
  });
  document.addEventListener('toggle', function (event) {
    const one = event.target;
    if (!one.open || !one.id || !document.hasFocus() || !one.contains(document.activeElement)) return;
    const state = current();
    state.open = opened = one.id;
    write(state);
  }, true);
  form.addEventListener('input', changed);
  form.addEventListener('submit', function (event) { event.preventDefault(); });
  form.addEventListener('reset', function () {
    setTimeout(function () { opened = ''; changed(); open('', false); }, 0);
  });
  window.addEventListener('hashchange', function () { apply(true); });

  function step(by) {
    const seen = cases.filter(function (one) { return !one.hidden; });
    if (seen.length === 0) return;
    const at = seen.findIndex(function (one) { return one.contains(document.activeElement); });
    const next = at === -1 ? (by > 0 ? 0 : seen.length - 1) : Math.min(Math.max(at + by, 0), seen.length - 1);
    const head = seen[next].querySelector('summary');
    head.focus();
    head.scrollIntoView({block: 'center'});
  }

  document.addEventListener('keydown', function (event) {
    const typing = /^(input|select|textarea)$/i.test(event.target.tagName);
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === 'Escape') form.reset();
    else if (typing) return;
    else if (event.key === '/') { event.preventDefault(); fields.text.focus(); }
    else if (event.key === 'j') step(1);
    else if (event.key === 'k') step(-1);
  });

  /* --- paper ----------------------------------------------------------------------------------- */

  /* Nobody can click on paper: the requirements are printed, and what failed with its checks and its ladder. */
  let openedForPaper = [];
  window.addEventListener('beforeprint', function () {
    openedForPaper = all('details.group, details.case, details.combination').filter(function (e) {
      if (e.open || e.hidden) return false;
      return e.matches('.group') || e.querySelector('.ladder') && (e.dataset.verdict === 'FAIL' || has(e.dataset.verdicts, 'FAIL'));
    });
    openedForPaper.forEach(function (e) { e.open = true; });
  });
  window.addEventListener('afterprint', function () {
    openedForPaper.forEach(function (e) { e.open = false; });
  });

  /* --- commands to copy ------------------------------------------------------------------------ */

  /* Chosen, it can be copied by hand where neither way is allowed. The first is refused to pages of a file by some browsers,
     the second is old and works in all of them. */
  function select(code) {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }

  function copySelected(code) {
    select(code);
    try { return document.execCommand('copy'); } catch (_) { return false; }
  }

  function copy(code, done) {
    const byHand = function () { if (copySelected(code)) done(); };
    if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, byHand);
    else byHand();
  }

  all('.command').forEach(function (line) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.addEventListener('click', function () {
      copy(line.querySelector('code'), function () { button.textContent = 'Copied'; });
    });
    line.append(' ', button);
  });

  apply(Boolean(location.hash));
}());
//]]>
