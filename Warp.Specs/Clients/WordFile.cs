using System.Text;

namespace Warp.Specs.Clients;

/// <summary>Makes text files that compress as text does: lines of <c>key:value</c> out of words, the same for the same seed.</summary>
public static class WordFile
{
    private static readonly string[] _words = """
        a about above account across action after again against age agree air all allow almost along already also although always among
        amount an and animal another answer any appear apple are area arm army around arrive art as ask at attack away baby back bad bag
        bank base be bear beat beautiful because become bed before begin behind believe bell belong below best better between big bird
        black blood blow blue board boat body bone book both bottom box boy branch bread break breakfast bridge bright bring broad
        brother brown build burn business busy but buy by call camp can capital car care carry case catch cause center century certain
        chance change chief child choose church circle city claim class clear climb clock close cloud coal coast coffee cold color come
        common company complete condition consider contain continue control cook cool copper corn corner cost cotton could count country
        course court cover cross crowd cry current cut dance danger dark day dead deal dear decide deep degree demand desert desire die
        difference dinner direct distance do doctor dog dollar door double doubt down draw dream dress drink drive drop dry during dust
        duty each ear early earth east easy eat edge effect egg eight either else end enemy enjoy enough enter equal escape even evening
        ever every exact example except excuse expect explain express eye face fact fail fair faith fall family famous far farm farmer
        fast father favor fear feed feel field fight figure fill final find fine finger finish fire first fish fit five floor flow
        flower fly follow food foot for force forest forget form forward four free fresh friend from front fruit full future garden gate
        gather gentle get gift girl give glad glass go gold good government grain grass gray great green ground group grow guard guess
        guide hair half hall hand happen happy harbor hard hat have he head hear heart heat heavy help here high hill history hold hole
        home honor hope horse hot hour house how hundred hunt hurry husband ice idea if imagine in inch include increase industry
        instead interest into iron island it join judge jump just keep kill kind king kiss kitchen know lady lake land language large
        last late laugh law lay lead leaf learn leave left leg lend less let letter level library lie life lift light like limit line
        lion lip list listen little live local long look lord lose loss lot love low machine main make man many map mark market marry
        master matter may mean measure meat meet member memory mention middle might mile milk million mind mine minute miss mix modern
        moment money month moon more morning most mother motion mountain mouth move much music must name narrow nation nature near
        necessary neck need neither never new next night nine no noise none nor north nose note nothing notice now number object observe
        ocean of off offer office often oil old on once one only open operate opinion or orange order other ought out over own page pain
        paint pair paper part party pass past path pay peace people perhaps person picture piece place plain plan plant play please
        point poor position possible pound power prepare present
        """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Writes whole lines, with LF behind each, until the file has at least that size.</summary>
    public static void Write(string path, long sizeBytes, int seed)
    {
        var random = new Random(seed);
        using var writer = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 20);
        for (long written = 0; written < sizeBytes;)
        {
            string key = $"{Word(random)}-{random.Next(100_000)}";
            string value = string.Join(' ', Enumerable.Range(0, random.Next(1, 40)).Select(_ => Word(random)));
            writer.Write(key);
            writer.Write(':');
            writer.Write(value);
            writer.Write('\n');
            written += key.Length + value.Length + 2;
        }
    }

    /// <summary>The position of the first byte in which two files differ; -1 if they are the same.</summary>
    public static long FirstDifference(string path, string other)
    {
        using var one = new BufferedStream(File.OpenRead(path), 1 << 20);
        using var two = new BufferedStream(File.OpenRead(other), 1 << 20);
        for (long position = 0; ; position++)
        {
            int b = one.ReadByte();
            if (b != two.ReadByte())
                return position;
            if (b < 0)
                return -1;
        }
    }

    private static string Word(Random random) => _words[random.Next(_words.Length)];
}
