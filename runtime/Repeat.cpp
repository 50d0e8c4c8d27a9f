//===- Repeat.cpp ---------------------------------------------------------===//
#include "runtime/Repeat.h"
#include <algorithm>
#include <numeric>

namespace tintype::rt {

Repeats::Repeats(SizedProgram given) : sized(std::move(given)) {
  whole = std::accumulate(sized.cost.begin(), sized.cost.end(), 0.0);
  findValues();
  now = plan(0);
}

/// One value for each time that a launch, or the launches of a section, write a buffer.
void Repeats::findValues() {
  const Program &p = *sized.program;
  sectionOf.assign(p.launches_size(), -1);
  for (int s = 0; s < p.sections_size(); ++s)
    std::fill(sectionOf.begin() + p.sections(s).first(), sectionOf.begin() + p.sections(s).last() + 1, s);
  std::vector<int> held(p.buffers_size(), -1);
  reads.resize(p.launches_size());
  makes.resize(p.launches_size());
  auto isArena = [&](const Arg &a) { return p.buffers(a.buffer()).kind() == Buffer::ARENA; };
  for (int l = 0; l < p.launches_size(); ++l) {
    const Launch &launch = p.launches(l);
    bool isRepeatable = !isInSection(l);
    for (const Arg &a : launch.inputs()) {
      Buffer::Kind kind = p.buffers(a.buffer()).kind();
      isRepeatable &= kind != Buffer::GRADIENT && kind != Buffer::OUTPUT;
      reads[l].push_back(isArena(a) ? held[a.buffer()] : -1);
    }
    isRepeatable &= std::all_of(launch.results().begin(), launch.results().end(), isArena);
    for (const Arg &a : launch.results()) {
      int &v = held[a.buffer()];
      bool isSame = v >= 0 && isInSection(l) && sectionOf[values[v].def] == sectionOf[l]; // of each chunk
      if (isArena(a) && !isSame) {
        if (v >= 0)
          values[v].end = l;
        v = static_cast<int>(values.size());
        values.push_back({a.buffer(), l, p.launches_size(), isRepeatable});
      }
      makes[l].push_back(isArena(a) ? v : -1);
    }
  }
}

/// The buffer that holds `value` before `slot`; what made it runs there if it is not in memory any more.
int Repeats::require(Plan &p, std::vector<int> &copies, int value, int slot) const {
  const Value &v = values[value];
  if (slot <= v.end && (v.lastEarly < 0 || slot <= v.lastEarly)) {
    p.readAt[value].push_back(slot);
    return p.places[value];
  }
  if (copies[value] >= 0)
    return copies[value];
  p.isValid &= v.isRepeatable;
  if (!p.isValid)
    return v.buffer;
  const Launch &launch = sized.program->launches(v.def);
  Item item{v.def, slot, true, {}, {}};
  for (int i = 0; i < launch.inputs_size(); ++i)
    item.ins.push_back(reads[v.def][i] < 0 ? launch.inputs(i).buffer() : require(p, copies, reads[v.def][i], slot));
  for (int r = 0; r < launch.results_size(); ++r) {
    item.outs.push_back(static_cast<int>(sized.bytes.size() + p.origins.size()));
    p.origins.push_back(launch.results(r).buffer());
    copies[makes[v.def][r]] = item.outs.back();
  }
  p.cost += sized.cost[v.def];
  p.items.push_back(std::move(item));
  return copies[value];
}

/// The program in which each value with a `lastEarly` is made again for the launches behind it.
Repeats::Plan Repeats::plan(double target) const {
  const Program &program = *sized.program;
  Plan p;
  p.readAt.resize(values.size());
  std::vector<int> copies(values.size(), -1);
  for (const Value &v : values)
    p.places.push_back(v.buffer);
  for (int l = 0; l < program.launches_size(); ++l) {
    if (isInSection(l) && l > program.sections(sectionOf[l]).first())
      continue; // together with the first, so that nothing runs again for each chunk
    int last = isInSection(l) ? program.sections(sectionOf[l]).last() : l;
    std::vector<Item> group;
    for (int k = l; k <= last; ++k) {
      Item item{k, l, false, {}, {}};
      const Launch &launch = program.launches(k);
      for (int i = 0; i < launch.inputs_size(); ++i) {
        int v = reads[k][i];
        bool isOutside = v >= 0 && (!isInSection(k) || sectionOf[values[v].def] != sectionOf[k]);
        item.ins.push_back(v < 0 ? launch.inputs(i).buffer() : isOutside ? require(p, copies, v, l) : p.places[v]);
      }
      for (int r = 0; r < launch.results_size(); ++r) {
        int v = makes[k][r];
        // In place of an argument, also where that is a copy.
        for (int i = 0; v >= 0 && i < launch.inputs_size(); ++i)
          if (reads[k][i] >= 0 && reads[k][i] != v && values[reads[k][i]].buffer == values[v].buffer)
            p.places[v] = item.ins[i];
        item.outs.push_back(v < 0 ? launch.results(r).buffer() : p.places[v]);
      }
      group.push_back(std::move(item));
    }
    std::move(group.begin(), group.end(), std::back_inserter(p.items));
  }
  if (p.isValid)
    measure(p, target);
  return p;
}

/// Who lives how long, and what lies above the room and the target.
void Repeats::measure(Plan &p, double target) const {
  const Program &program = *sized.program;
  p.lives.assign(sized.bytes.size() + p.origins.size(), {INT32_MAX, -1});
  std::vector<int> at(program.launches_size());
  for (int i = 0; i < static_cast<int>(p.items.size()); ++i) {
    if (!p.items[i].isAgain)
      at[p.items[i].launch] = i;
    for (const auto *list : {&p.items[i].ins, &p.items[i].outs})
      for (int b : *list)
        p.lives[b] = {std::min(p.lives[b].first, i), std::max(p.lives[b].second, i)};
  }
  for (const Section &s : program.sections())
    for (size_t b = 0; b < p.lives.size(); ++b) { // all chunks find what is not of one of them
      auto &[first, last] = p.lives[b];
      const Buffer &buffer = program.buffers(b < sized.bytes.size() ? static_cast<int>(b) : p.origins[b - sized.bytes.size()]);
      if (last < at[s.first()] || first > at[s.last()])
        continue;
      bool isInside = s.first() <= buffer.first() && buffer.last() <= s.last();
      first = isInside ? at[buffer.first()] : std::min(first, at[s.first()]);
      last = isInside ? at[buffer.last()] : std::max(last, at[s.last()]);
    }
  p.above.assign(p.items.size() + 1, 0);
  for (size_t b = 0; b < p.lives.size(); ++b)
    if (auto [first, last] = p.lives[b]; last >= 0) {
      double bytes = sized.bytes[b < sized.bytes.size() ? b : p.origins[b - sized.bytes.size()]];
      p.above[first] += bytes;
      p.above[last + 1] -= bytes;
    }
  double alive = 0;
  for (size_t i = 0; i < p.items.size(); ++i) {
    int before = p.items[i].isAgain ? p.items[i].slot - 1 : p.items[i].launch;
    alive += p.above[i];
    double need = alive - (before < 0 ? 0 : sized.room[before]);
    p.need = std::max(p.need, need);
    p.above[i] = std::max(0.0, need - target);
    p.excess += p.above[i];
  }
}

/// The launches between which `value` waits longest.
std::pair<int, int> Repeats::longestWait(int value) const {
  std::vector<int> uses = now.readAt[value];
  uses.push_back(values[value].def);
  std::sort(uses.begin(), uses.end());
  std::pair<int, int> wait{0, 0};
  for (size_t i = 1; i < uses.size(); ++i)
    if (uses[i] - uses[i - 1] > wait.second - wait.first)
      wait = {uses[i - 1], uses[i]};
  return wait;
}

/// Of all values but one: that which costs least for each byte above the target that goes, -1 if none takes any away.
int Repeats::cheapest(double target, int but, int &lastEarly) {
  struct Candidate {
    double most; ///< bytes above the target that may go, by cost
    int value, lastEarly;
  };
  std::vector<Candidate> candidates;
  for (int v = 0; v < static_cast<int>(values.size()); ++v) {
    auto [before, after] = longestWait(v);
    if (v == but || !values[v].isRepeatable || values[v].lastEarly >= 0 || after - before < 2)
      continue;
    double gone = 0, bytes = sized.bytes[values[v].buffer];
    for (size_t i = 0; i < now.items.size(); ++i)
      if (before < now.items[i].slot && now.items[i].slot < after)
        gone += std::min(bytes, now.above[i]);
    if (gone > 0)
      candidates.push_back({gone / (sized.cost[values[v].def] + 1), v, before});
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate &a, const Candidate &b) { return a.most > b.most; });
  double best = 0;
  int found = -1;
  for (const Candidate &c : candidates) {
    if (c.most <= best)
      break;
    values[c.value].lastEarly = c.lastEarly;
    Plan p = plan(target);
    values[c.value].lastEarly = -1;
    double rate = (now.excess - p.excess) / std::max(p.cost - now.cost, 1.0);
    if (p.isValid && rate > best) {
      best = rate;
      found = c.value;
      lastEarly = c.lastEarly;
    }
  }
  return found;
}

/// One value more; `but` stays.
bool Repeats::add(double target, int but) {
  int lastEarly = -1, value = cheapest(target, but, lastEarly);
  if (value < 0)
    return false;
  values[value].lastEarly = lastEarly;
  now = plan(target);
  return true;
}

/// Another value for one that, made again, needs more than it saves by now.
bool Repeats::exchange(double target) {
  const Plan before = now;
  const std::vector<Value> old = values;
  for (int v = static_cast<int>(values.size()) - 1; v >= 0; --v) {
    if (values[v].lastEarly < 0)
      continue;
    values[v].lastEarly = -1;
    now = plan(target);
    if (now.isValid && add(target, v) && now.excess < before.excess)
      return true;
    values = old;
    now = before;
  }
  return false;
}

bool Repeats::lower(double target) {
  double before = now.need;
  now = plan(target);
  while (now.need > target && (add(target, -1) || exchange(target))) {
  }
  return now.need < before;
}

std::shared_ptr<const Program> Repeats::program() const {
  auto out = std::make_shared<Program>(*sized.program);
  out->clear_launches();
  std::vector<int> at(sized.program->launches_size());
  for (const Item &item : now.items) {
    if (!item.isAgain)
      at[item.launch] = out->launches_size();
    Launch *l = out->add_launches();
    *l = sized.program->launches(item.launch);
    for (size_t i = 0; i < item.ins.size(); ++i)
      l->mutable_inputs(static_cast<int>(i))->set_buffer(item.ins[i]);
    for (size_t i = 0; i < item.outs.size(); ++i)
      l->mutable_results(static_cast<int>(i))->set_buffer(item.outs[i]);
  }
  for (int origin : now.origins)
    *out->add_buffers() = sized.program->buffers(origin);
  for (size_t b = 0; b < now.lives.size(); ++b)
    if (Buffer *buffer = out->mutable_buffers(static_cast<int>(b)); buffer->kind() == Buffer::ARENA) {
      bool isUsed = now.lives[b].second >= 0;
      buffer->set_first(isUsed ? now.lives[b].first : 0);
      buffer->set_last(isUsed ? now.lives[b].second : 0);
    }
  for (Section &s : *out->mutable_sections()) {
    s.set_first(at[s.first()]);
    s.set_last(at[s.last()]);
  }
  return out;
}

} // namespace tintype::rt
