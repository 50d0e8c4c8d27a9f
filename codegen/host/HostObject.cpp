//===- HostObject.cpp - the manifest and the kernel table as an object ----===//
// Built in the LLVM dialect: two constants and an array of addresses.
//===----------------------------------------------------------------------===//
#include "codegen/host/Export.h"
#include "codegen/manifest.pb.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

/// A constant global whose value is built by `body`.
template <typename Fn> static void constantGlobal(OpBuilder &b, Location loc, Type type, StringRef name, uint64_t alignment, Fn body) {
  auto g = LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true, LLVM::Linkage::External, name, Attribute(), alignment);
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&g.getInitializerRegion());
  LLVM::ReturnOp::create(b, loc, body());
}

static OwningOpRef<ModuleOp> buildModule(const tintype::Manifest &manifest, MLIRContext &ctx) {
  ctx.loadDialect<LLVM::LLVMDialect>();
  Location loc = UnknownLoc::get(&ctx);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder b = OpBuilder::atBlockEnd(module->getBody());
  Type ptr = LLVM::LLVMPointerType::get(&ctx), i64 = b.getI64Type();

  std::string bytes = manifest.SerializeAsString();
  auto text = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
  LLVM::GlobalOp::create(b, loc, text, true, LLVM::Linkage::External, "tintype_manifest", b.getStringAttr(bytes), 16);
  LLVM::GlobalOp::create(b, loc, i64, true, LLVM::Linkage::External, "tintype_manifest_size", b.getI64IntegerAttr(bytes.size()), 8);

  auto entry = LLVM::LLVMFunctionType::get(b.getI32Type(), {ptr});
  for (const auto &k : manifest.kernels())
    LLVM::LLVMFuncOp::create(b, loc, k.name() + "_argv", entry);
  auto table = LLVM::LLVMArrayType::get(ptr, manifest.kernels_size());
  constantGlobal(b, loc, table, "tintype_kernels", 16, [&] {
    Value v = LLVM::UndefOp::create(b, loc, table);
    for (int i = 0; i < manifest.kernels_size(); ++i) {
      Value f = LLVM::AddressOfOp::create(b, loc, ptr, manifest.kernels(i).name() + "_argv");
      v = LLVM::InsertValueOp::create(b, loc, v, f, ArrayRef<int64_t>{i});
    }
    return v;
  });
  return module;
}

LogicalResult tintype::writeHostObject(const Manifest &manifest, MLIRContext &ctx, StringRef path) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  ctx.appendDialectRegistry(registry);
  OwningOpRef<ModuleOp> module = buildModule(manifest, ctx);

  llvm::LLVMContext llvmCtx;
  auto llvmModule = translateModuleToLLVMIR(*module, llvmCtx);
  if (!llvmModule)
    return failure();
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return emitError(UnknownLoc::get(&ctx)) << error;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(triple, "x86-64", "", {}, llvm::Reloc::PIC_));
  llvmModule->setDataLayout(machine->createDataLayout());
  llvmModule->setTargetTriple(triple);
  std::error_code ec;
  llvm::raw_fd_ostream os(path, ec);
  llvm::legacy::PassManager pm;
  if (ec || machine->addPassesToEmitFile(pm, os, nullptr, llvm::CodeGenFileType::ObjectFile))
    return emitError(UnknownLoc::get(&ctx)) << path << ": expected a writable file, but got " << ec.message();
  pm.run(*llvmModule);
  os.close();
  ec = os.error();
  os.clear_error();
  if (ec)
    return emitError(UnknownLoc::get(&ctx)) << path << ": expected a writable file, but got: " << ec.message();
  return success();
}
