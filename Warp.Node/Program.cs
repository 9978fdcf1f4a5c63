Console.WriteLine("warp");
