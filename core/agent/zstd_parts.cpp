/// The parts of libzstd that only its slower levels use, and those that read frames of versions
/// before 0.8, 370 KB of it: what is used here never calls them, but the library names them. Weak,
/// so that where the library's own are linked for another reason they win.
#define SLIPWAY_UNUSED(name)                                                                       \
    extern "C" [[noreturn, gnu::weak]] void name();                                                \
    void name()                                                                                    \
    {                                                                                              \
        __builtin_trap();                                                                          \
    }

// zstd_double_fast.o
SLIPWAY_UNUSED(ZSTD_compressBlock_doubleFast)
SLIPWAY_UNUSED(ZSTD_compressBlock_doubleFast_dictMatchState)
SLIPWAY_UNUSED(ZSTD_compressBlock_doubleFast_extDict)
SLIPWAY_UNUSED(ZSTD_fillDoubleHashTable)
// zstd_lazy.o
SLIPWAY_UNUSED(ZSTD_compressBlock_btlazy2)
SLIPWAY_UNUSED(ZSTD_compressBlock_btlazy2_dictMatchState)
SLIPWAY_UNUSED(ZSTD_compressBlock_btlazy2_extDict)
SLIPWAY_UNUSED(ZSTD_compressBlock_greedy)
SLIPWAY_UNUSED(ZSTD_compressBlock_greedy_dedicatedDictSearch)
SLIPWAY_UNUSED(ZSTD_compressBlock_greedy_dedicatedDictSearch_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_greedy_dictMatchState)
SLIPWAY_UNUSED(ZSTD_compressBlock_greedy_dictMatchState_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_greedy_extDict)
SLIPWAY_UNUSED(ZSTD_compressBlock_greedy_extDict_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_greedy_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy2)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy2_dedicatedDictSearch)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy2_dedicatedDictSearch_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy2_dictMatchState)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy2_dictMatchState_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy2_extDict)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy2_extDict_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy2_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy_dedicatedDictSearch)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy_dedicatedDictSearch_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy_dictMatchState)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy_dictMatchState_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy_extDict)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy_extDict_row)
SLIPWAY_UNUSED(ZSTD_compressBlock_lazy_row)
SLIPWAY_UNUSED(ZSTD_dedicatedDictSearch_lazy_loadDictionary)
SLIPWAY_UNUSED(ZSTD_insertAndFindFirstIndex)
SLIPWAY_UNUSED(ZSTD_row_update)
// zstd_opt.o
SLIPWAY_UNUSED(ZSTD_compressBlock_btopt)
SLIPWAY_UNUSED(ZSTD_compressBlock_btopt_dictMatchState)
SLIPWAY_UNUSED(ZSTD_compressBlock_btopt_extDict)
SLIPWAY_UNUSED(ZSTD_compressBlock_btultra)
SLIPWAY_UNUSED(ZSTD_compressBlock_btultra2)
SLIPWAY_UNUSED(ZSTD_compressBlock_btultra_dictMatchState)
SLIPWAY_UNUSED(ZSTD_compressBlock_btultra_extDict)
SLIPWAY_UNUSED(ZSTD_updateTree)
// zstd_v05.o, zstd_v06.o, zstd_v07.o: a frame of theirs begins with the making of a context, and
// ends there.
#define SLIPWAY_NO_CONTEXT(name)                                                                   \
    extern "C" [[gnu::weak]] void* name();                                                         \
    void* name()                                                                                   \
    {                                                                                              \
        return nullptr;                                                                            \
    }
#define SLIPWAY_NO_VERSION(version)                                                                \
    SLIPWAY_NO_CONTEXT(ZBUFF##version##_createDCtx)                                                \
    SLIPWAY_NO_CONTEXT(ZSTD##version##_createDCtx)                                                 \
    SLIPWAY_UNUSED(ZBUFF##version##_decompressContinue)                                            \
    SLIPWAY_UNUSED(ZBUFF##version##_decompressInitDictionary)                                      \
    SLIPWAY_UNUSED(ZBUFF##version##_freeDCtx)                                                      \
    SLIPWAY_UNUSED(ZSTD##version##_decompress_usingDict)                                           \
    SLIPWAY_UNUSED(ZSTD##version##_findFrameSizeInfoLegacy)                                        \
    SLIPWAY_UNUSED(ZSTD##version##_freeDCtx)                                                       \
    SLIPWAY_UNUSED(ZSTD##version##_getFrameParams)
SLIPWAY_NO_VERSION(v05)
SLIPWAY_NO_VERSION(v06)
SLIPWAY_NO_VERSION(v07)
