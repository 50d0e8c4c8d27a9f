//===- Safetensors.cpp - reading ------------------------------------------===//
#include "runtime/Safetensors.h"
#include "runtime/Convert.h"
#include "runtime/Json.h"
#include "runtime/Manifest.h"
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

namespace tintype::rt {

using Json = nlohmann::json;

static const struct {
  const char *name;
  size_t bytes;
} kTypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},  {"I32", 4},     {"I16", 2},    {"I8", 1},
              {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1},   {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};

const char *typeName(StoredType type) { return kTypes[static_cast<int>(type)].name; }
size_t byteSize(StoredType type) { return kTypes[static_cast<int>(type)].bytes; }

bool TensorView::isFloat() const { return type == StoredType::F32 || type == StoredType::F16 || type == StoredType::BF16; }
bool TensorView::isInteger() const { return type >= StoredType::I64 && type <= StoredType::BOOL && type != StoredType::U64; }

template <typename T> static T loadAt(const uint8_t *data, int64_t i) {
  T v; // data of a file need not be aligned
  std::memcpy(&v, data + i * sizeof(T), sizeof(T));
  return v;
}

void TensorView::copyTo(float *out) const {
  switch (type) {
  case StoredType::F32:
    if (elements)
      std::memcpy(out, data, elements * 4);
    return;
  case StoredType::F16:
    for (int64_t i = 0; i < elements; ++i)
      out[i] = f16ToFloat(loadAt<uint16_t>(data, i));
    return;
  case StoredType::BF16:
    for (int64_t i = 0; i < elements; ++i)
      out[i] = bf16ToFloat(loadAt<uint16_t>(data, i));
    return;
  default:
    fail(*file, ": ", name, ": expected F32, F16 or BF16, but got ", typeName(type));
  }
}

template <typename T> static void widen(const TensorView &t, int64_t *out) {
  for (int64_t i = 0; i < t.elements; ++i)
    out[i] = static_cast<int64_t>(loadAt<T>(t.data, i));
}

void TensorView::copyTo(int64_t *out) const {
  switch (type) {
  case StoredType::I64:
    return widen<int64_t>(*this, out);
  case StoredType::I32:
    return widen<int32_t>(*this, out);
  case StoredType::I16:
    return widen<int16_t>(*this, out);
  case StoredType::I8:
    return widen<int8_t>(*this, out);
  case StoredType::U32:
    return widen<uint32_t>(*this, out);
  case StoredType::U16:
    return widen<uint16_t>(*this, out);
  case StoredType::U8:
  case StoredType::BOOL:
    return widen<uint8_t>(*this, out);
  default:
    fail(*file, ": ", name, ": expected integers, but got ", typeName(type));
  }
}

static std::string printable(const std::string &name) {
  std::string out;
  for (unsigned char c : name.substr(0, 200)) // a hostile name must not fill or steer the terminal
    out += c < 32 || c == 127 ? '?' : static_cast<char>(c);
  return out;
}

/// Reads one header entry; data lies in [0, dataSize).
static TensorView parseEntry(const std::string &file, const std::string &key, const Json &entry, size_t dataSize, size_t &begin,
                             size_t &end) {
  auto bad = [&](auto &&...what) { fail(file, ": ", printable(key), ": ", what...); };
  if (!entry.is_object())
    bad("expected an object in the header");
  for (const char *field : {"dtype", "shape", "data_offsets"})
    if (!entry.contains(field))
      bad("expected the field ", field, " in the header, but there is none");
  TensorView t{key, StoredType::F32, {}, nullptr, 0, nullptr};
  const Json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  auto known = std::find_if(std::begin(kTypes), std::end(kTypes),
                            [&](auto &k) { return dtype.is_string() && dtype.get_ref<const std::string &>() == k.name; });
  if (known == std::end(kTypes))
    bad("unknown dtype ", printable(dtype.dump(-1, ' ', true, Json::error_handler_t::replace)));
  t.type = static_cast<StoredType>(known - kTypes);
  if (!shape.is_array() || shape.size() > 16)
    bad("expected a shape of at most 16 dimensions");
  for (const Json &d : shape) {
    if (!d.is_number_unsigned() || d.get<uint64_t>() > INT64_MAX)
      bad("expected sizes that are whole numbers in the shape, but got ", printable(d.dump(-1, ' ', true, Json::error_handler_t::replace)));
    t.shape.push_back(static_cast<int64_t>(d.get<uint64_t>()));
  }
  uint64_t count = 1, bytes = 0;
  for (int64_t d : t.shape)
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(d), &count))
      bad("the shape ", toString(t.shape), " overflows 64 bits");
  if (__builtin_mul_overflow(count, known->bytes, &bytes) || bytes > INT64_MAX)
    bad("the shape ", toString(t.shape), " overflows 64 bits");
  t.elements = static_cast<int64_t>(count);
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    bad("expected data_offsets to be two whole numbers");
  uint64_t from = offsets[0].get<uint64_t>(), to = offsets[1].get<uint64_t>();
  if (from > to)
    bad("data_offsets [", from, ", ", to, "] run backwards");
  if (to > dataSize)
    bad("data_offsets end at ", to, ", but the file has ", dataSize, " bytes of data; it is truncated or damaged");
  if (to - from != bytes)
    bad("expected ", bytes, " bytes for ", known->name, " ", toString(t.shape), ", but data_offsets span ", to - from);
  begin = from;
  end = to;
  return t;
}

/// The header as JSON, refusing a key that comes twice (a parser would silently take one).
static Json parseHeader(const std::string &file, const char *text, size_t n) {
  std::set<std::string> keys;
  auto watch = [&](int depth, Json::parse_event_t event, Json &parsed) {
    if (depth > 8)
      fail(file, ": the header is nested too deeply");
    if (event == Json::parse_event_t::key && depth == 1 && !keys.insert(parsed.get<std::string>()).second)
      fail(file, ": ", printable(parsed.get<std::string>()), ": the name comes twice in the header");
    return true;
  };
  Json header;
  try {
    header = Json::parse(text, text + n, watch);
  } catch (const Json::exception &e) {
    fail(file, ": the header is not JSON: ", printable(e.what()));
  }
  if (!header.is_object())
    fail(file, ": expected a JSON object as header");
  return header;
}

void parseSafetensors(const std::string &file, const uint8_t *base, size_t size, std::vector<TensorView> &views,
                      std::map<std::string, std::string> &meta) {
  constexpr uint64_t kMostHeader = 100'000'000; // the format's own limit
  if (size < 8)
    fail(file, ": expected a safetensors file, but it has ", size, " bytes");
  uint64_t n = 0;
  std::memcpy(&n, base, 8);
  if (n > size - 8 || n > kMostHeader)
    fail(file, ": the header claims ", n, " bytes, but the file has ", size, "; it is truncated or not a safetensors file");
  Json header = parseHeader(file, reinterpret_cast<const char *>(base + 8), n);
  const uint8_t *data = base + 8 + n;
  size_t dataSize = size - 8 - n;
  std::vector<std::pair<size_t, size_t>> spans;
  for (auto &[key, entry] : header.items()) {
    if (key == "__metadata__") {
      if (!entry.is_object())
        fail(file, ": expected __metadata__ to be an object");
      for (auto &[k, v] : entry.items()) {
        if (!v.is_string())
          fail(file, ": expected __metadata__ to hold strings, but ", printable(k), " is none");
        meta[k] = v.get<std::string>();
      }
      continue;
    }
    size_t begin = 0, end = 0;
    TensorView t = parseEntry(file, key, entry, dataSize, begin, end);
    t.data = data + begin;
    t.file = &file;
    views.push_back(std::move(t));
  }
  std::stable_sort(views.begin(), views.end(),
                   [](auto &a, auto &b) { return a.data != b.data ? a.data < b.data : a.elements < b.elements; });
  const uint8_t *at = data;
  for (size_t i = 0; i < views.size(); ++i) {
    const TensorView &t = views[i];
    if (t.data < at)
      fail(file, ": ", printable(t.name), ": its data overlaps that of ", printable(views[i - 1].name));
    if (t.data > at)
      fail(file, ": ", printable(t.name), ": ", t.data - at, " bytes before its data belong to no tensor");
    at = t.data + t.elements * byteSize(t.type);
  }
  if (at != data + dataSize)
    fail(file, ": ", data + dataSize - at, " bytes at the end belong to no tensor");
}

SafetensorsFile::SafetensorsFile(const std::string &path) : file(path) {
  std::string_view bytes = file.bytes();
  parseSafetensors(file.path, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), views, meta);
}

namespace fs = std::filesystem;

TensorSource::TensorSource(const std::string &path) : name(path) {
  std::error_code ec;
  if (!fs::exists(path, ec))
    fail(path, ": no such file or folder");
  if (!fs::is_directory(path, ec)) {
    const std::string suffix = ".index.json";
    bool index = path.size() > suffix.size() && path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0;
    index ? addIndex(path) : addFile(path);
    return;
  }
  for (const char *file : {"model.safetensors", "diffusion_pytorch_model.safetensors"}) {
    std::string single = (fs::path(path) / file).string(), index = single + ".index.json";
    if (fs::exists(single, ec))
      addFile(single);
    else if (fs::exists(index, ec))
      addIndex(index);
    else
      continue;
    return;
  }
  fail(path, ": expected model.safetensors or model.safetensors.index.json in this folder, but there is neither");
}

void TensorSource::addFile(const std::string &path) {
  files.push_back(std::make_unique<SafetensorsFile>(path));
  for (const TensorView &t : files.back()->tensors())
    if (!byName.emplace(t.name, &t).second)
      fail(path, ": ", printable(t.name), ": the name is also in ", *byName[t.name]->file);
}

/// An index maps each tensor to its file; both must agree with the files.
void TensorSource::addIndex(const std::string &path) {
  constexpr size_t kMost = size_t(100) << 20; // bytes; one of 50000 tensors has 5 MB
  Json index = parseJson(readFile(path, kMost));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    fail(path, ": expected JSON with an object weight_map");
  std::set<std::string> shards;
  for (auto &[tensor, file] : index["weight_map"].items()) {
    if (!file.is_string())
      fail(path, ": ", printable(tensor), ": expected a file name in weight_map");
    std::string shard = file.get<std::string>();
    if (shard.empty() || shard.find('/') != std::string::npos)
      fail(path, ": ", printable(tensor), ": expected a file beside the index, but got ", printable(shard));
    shards.insert(shard);
  }
  for (const std::string &shard : shards)
    addFile((fs::path(path).parent_path() / shard).string());
  for (auto &[tensor, file] : index["weight_map"].items())
    if (!byName.count(tensor))
      fail(path, ": ", printable(tensor), ": the index places it in ", printable(file.get<std::string>()), ", but it is not there");
}

const TensorView *TensorSource::find(const std::string &tensor) const {
  auto it = byName.find(tensor);
  return it == byName.end() ? nullptr : it->second;
}

} // namespace tintype::rt
