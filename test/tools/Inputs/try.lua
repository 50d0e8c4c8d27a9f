-- What the editor shows once the server has answered.
print(vim.bo.filetype .. " " .. vim.fn.synIDattr(vim.fn.synID(2, 1, 1), "name"))
vim.wait(300000, function() return #vim.diagnostic.get(0) > 0 end)
for _, d in ipairs(vim.diagnostic.get(0)) do
  print("\nmessage " .. d.lnum + 1 .. " " .. d.message)
end
local place = { textDocument = vim.lsp.util.make_text_document_params(), position = { line = 1, character = 8 } }
for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/hover", place, 300000)) do
  print("\n" .. answer.result.contents.value)
end
